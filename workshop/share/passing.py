"""Asks the shop or the console in a visitor's place: a request made anew, an answer reduced to what a visitor needs."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import urllib3
from werkzeug.exceptions import ServiceUnavailable

# Of a visitor's request nothing else goes on, and of an answer nothing else comes back: no cookie, no name, no address.
SENT = ("Accept", "Accept-Language", "Content-Type", "Idempotency-Key", "X-Timeout-Ms")
# So that the console offers nothing that is shut for its visitors.
OURS = {"X-Room": "1"}
GIVEN = (
    "Cache-Control",
    "Content-Security-Policy",
    "Content-Disposition",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Referrer-Policy",
    "Retry-After",
    "traceresponse",
    "X-Content-Type-Options",
)
PACKED = ("text/", "application/json", "application/problem+json", "application/javascript", "image/svg+xml")
LEAST_PACKED = 1000  # bytes
# A little longer than the shop's own limit, which ends with an answer that says what became of the order.
TIMEOUT = urllib3.Timeout(connect=2, read=25)


@dataclass(frozen=True)
class Answer:
    """What the shop or the console answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def packed(self) -> bytes | None:
        """The body packed with gzip; None where that is not worth it."""
        worth = self.headers.get("Content-Type", "").startswith(PACKED) and len(self.body) >= LEAST_PACKED
        return gzip.compress(self.body, 5, mtime=0) if worth else None


class Upstream:
    """One site, as this machine reaches it. `links` are the addresses in its pages, and what visitors get instead."""

    def __init__(self, name: str, url: str, links: Mapping[str, str]) -> None:
        self.name = name
        parts = urllib3.util.parse_url(url)
        assert parts.host
        # Never by a proxy: it is on this machine.
        self._pool = urllib3.HTTPConnectionPool(parts.host, parts.port, maxsize=64, timeout=TIMEOUT, retries=False)
        self._links = {old.rstrip("/").encode(): new.rstrip("/").encode() for old, new in links.items()}
        found = b"|".join(re.escape(old) for old in self._links)
        # In attributes only, where the pages have them: what a trace says is left as it is.
        self._link = re.compile(rb'(\s(?:href|data-[a-z-]+)=")(' + found + rb')(?=[/"?#])')

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """The answer to a request for this path and query; ServiceUnavailable when there is none."""
        chosen = {name: headers[name] for name in SENT if name in headers} | OURS
        try:
            answer = self._pool.request(method, target, body=body, headers=chosen, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise ServiceUnavailable(f"{self.name} does not answer: {type(error).__name__}", retry_after=1) from None
        kept = {name: answer.headers[name] for name in GIVEN if name in answer.headers}
        location = answer.headers.get("Location", "")
        if re.match(r"/(?!/)", location):
            kept["Location"] = location
        body = answer.data
        if kept.get("Content-Type", "").startswith("text/html"):
            body = self._link.sub(lambda found: found[1] + self._links[found[2]], body)
        return Answer(answer.status, kept, body)
