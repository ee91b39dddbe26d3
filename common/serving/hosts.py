"""Whom a process answers to: the names in a request's Host header that are its own.

A page elsewhere can point a name of its own at 127.0.0.1 and have a browser ask us in that name (DNS rebinding): what
it then reads counts as its own.
"""

import os
import re
from collections.abc import Mapping

LOCAL = ("localhost", "127.0.0.1", "[::1]")
# How Kubernetes' DNS spells a service of another namespace. No name on the internet ends so.
CLUSTER = (".svc", ".svc.cluster.local")
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+?)\.?(?::\d{1,5})?", re.IGNORECASE)


def allowed(*names: str, environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """This machine's names, the given ones (as other containers know this process), and those of ALLOWED_HOSTS.

    ALLOWED_HOSTS has names by commas; one that begins with a dot stands for all that end so, * for any.
    """
    more = (name.strip().lower() for name in environ.get("ALLOWED_HOSTS", "").split(","))
    return frozenset({*LOCAL, *CLUSTER, *(name.lower() for name in names), *filter(None, more)})


def refusal(host: str | None, names: frozenset[str]) -> str | None:
    """Why a request with this Host header is not answered (403); None when it is, or has no such header.

    What is no browser may leave it out, and no browser does.
    """
    if host is None or "*" in names:
        return None
    match = HOST.fullmatch(host)
    name = match[1].lower() if match else ""
    parts = name.split(".")
    if name in names or any("." + ".".join(parts[at:]) in names for at in range(1, len(parts))):
        return None
    return f"host {host[:100]!r} is not known here: name it in ALLOWED_HOSTS"
