"""Who gets to the teacher's page: this machine's browser, with the token that `make up` prints."""

import hashlib
import hmac
from ipaddress import ip_address
from pathlib import Path

from flask import Request

from common.serving import hosts

# What a proxy adds, the room's among them: whoever really asks sits elsewhere.
PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via", "X-Room")
TOKEN = "token"  # noqa: S105 (the file's name)


def outside(request: Request) -> str | None:
    """Why a request is not of this machine; None when it is, as far as can be told."""
    name = hosts.HOST.fullmatch(request.headers.get("Host", ""))
    if (
        not _loopback(request.remote_addr or "")
        or name is None
        or name[1].lower() not in hosts.LOCAL
        or any(each in request.headers for each in PASSED_ON)
    ):
        return "the teacher's page is for a browser on the machine that the system runs on"
    return None


def _loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def token_in(folder: Path) -> str:
    """The token of this start; empty when there is none."""
    try:
        return (folder / TOKEN).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def same(given: str, wanted: str) -> bool:
    """Whether they are the same and not empty; as slow for a nearly right one as for any other."""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def derived(token: str, use: str) -> str:
    """What the cookie, or a form, has instead of the token: from neither of them the other can be made."""
    return hmac.new(token.encode(), use.encode(), hashlib.sha256).hexdigest() if token else ""
