"""The door of a shared workshop: who comes in, how often, and to what."""

import hmac
import logging
import math
import re
import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from itsdangerous import BadSignature, Signer
from werkzeug.exceptions import Forbidden, HTTPException, TooManyRequests
from werkzeug.wrappers import Request, Response

from common.serving import hosts
from workshop.share import pages
from workshop.share.keeping import Kept
from workshop.share.passing import Answer, Upstream
from workshop.share.rates import AtOnce, Rate
from workshop.share.room import Room
from workshop.share.routes import Routes

log = logging.getLogger("share")

KEY = re.compile(r"/(join|projector)/([\w-]{1,100})", re.ASCII)
COOKIE_SECONDS = 24 * 3600


class Visitors:
    """Who is in, and how often each may; one for both sites."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._signer = Signer(token, salt="visitor", digest_method=sha256)
        # A page of the console is some fifteen files, which are answered here. Itself it is work for the console: with
        # Live on once in two seconds, and nobody may ask for so many that the others wait.
        self.reads = Rate(200, 20)
        self.pages = Rate(30, 3)
        self.buys = Rate(5, 1)
        self.buying = AtOnce(3)
        # A whole room may come from one address (a phone's hotspot), and one visitor may take many cookies.
        self.reads_of_address = Rate(3000, 300)
        self.pages_of_address = Rate(600, 60)
        self.buys_of_address = Rate(60, 20)
        self.joins_of_address = Rate(120, 2)
        self.strangers = Rate(30, 1)

    def has_key(self, token: str) -> bool:
        """Whether this is the room's token; as slow for a nearly right one as for any other."""
        return hmac.compare_digest(token.encode(), self._token.encode())

    def new(self) -> str:
        """A cookie for somebody who has the token."""
        return self._signer.sign(secrets.token_urlsafe(9)).decode()

    def known(self, cookie: str) -> str | None:
        """Who has this cookie; None for one that was not made here for this room."""
        try:
            return self._signer.unsign(cookie).decode()
        except (BadSignature, UnicodeError):
            return None


class Front:
    """A WSGI application: one site, shut but for visitors and what `routes` lists."""

    def __init__(self, room: Room, visitors: Visitors, upstream: Upstream, routes: Routes) -> None:
        self._room, self._visitors, self._upstream, self._routes = room, visitors, upstream, routes
        self._hosts = frozenset({f"[{room.address}]" if ":" in room.address else room.address})
        # Cookies know no ports: another workshop on this address has another name.
        self._cookie = f"share-{room.shop_port}"
        self._kept = Kept()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            response = self._respond(request)
        except HTTPException as error:
            log.info("%s refused %s: %s", request.remote_addr, error.code, error.description)
            response = pages.failure(error, html="text/html" in request.headers.get("Accept", ""))
        except Exception:
            log.exception("unexpected error")
            response = pages.failure(HTTPException("an unexpected error"), html=False)
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        if problem := hosts.refusal(request.headers.get("Host"), self._hosts):
            raise Forbidden(problem.partition(":")[0])
        path, address = request.environ["PATH_INFO"], str(request.remote_addr)
        if key := KEY.fullmatch(path):
            return self._with_key(request, key[1], key[2], address)
        visitor = self._visitors.known(request.cookies.get(self._cookie, ""))
        if visitor is None:
            _hold(self._visitors.strangers, address)
            raise Forbidden("this workshop is open to those who have its link: scan the code on the projector")
        query = request.environ.get("QUERY_STRING", "")
        kind = self._routes.kind(request.method, path, query)
        if kind is None or not _own(request):
            raise Forbidden("this is not open to the room: shop and traces can be read, and things can be bought")
        target = f"{path}?{query}" if query else path
        answer = self._buy if kind == "buy" else self._read
        return answer(request, target, visitor, address)

    def _with_key(self, request: Request, what: str, token: str, address: str) -> Response:
        if request.method not in ("GET", "HEAD") or not self._visitors.has_key(token):
            # The right key is taken whatever was tried before: a stranger behind the same address must not lock out
            # the room, and 128 bits are not guessed at any rate.
            _hold(self._visitors.strangers, address)
            raise Forbidden("this link is not, or no longer, the workshop's: ask for the one of today")
        if what == "projector":
            return pages.projector(self._room)
        response = Response(status=303, headers={"Location": "/", "Referrer-Policy": "no-referrer"})
        response.headers["Cache-Control"] = "no-store"
        if self._visitors.known(request.cookies.get(self._cookie, "")) is None:
            _hold(self._visitors.joins_of_address, address)
            # Lax: a link in a mail, or a scanner's, leads in.
            value = self._visitors.new()
            response.set_cookie(self._cookie, value, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax")
        return response

    def _read(self, request: Request, target: str, visitor: str, address: str) -> Response:
        _hold(self._visitors.reads, visitor)
        _hold(self._visitors.reads_of_address, address)
        path = request.environ["PATH_INFO"]
        if not path.startswith("/static/"):
            _hold(self._visitors.pages, visitor)
            _hold(self._visitors.pages_of_address, address)

        def ask() -> Answer:
            # Others may get it, too, so nothing of the one who asks is in it.
            return self._upstream.ask("GET", target, {"Accept": "*/*"})

        seconds = self._routes.keeping(path)
        return _response(request, self._kept.get(target, seconds, ask) if seconds else ask())

    def _buy(self, request: Request, target: str, visitor: str, address: str) -> Response:
        _hold(self._visitors.buys, visitor)
        _hold(self._visitors.buys_of_address, address)
        with self._visitors.buying.one(visitor) as allowed:
            if not allowed:
                raise TooManyRequests("you are buying already: wait for the answer", retry_after=1)
            return _response(request, self._upstream.ask("POST", target, dict(request.headers), request.get_data()))


def _hold(rate: Rate, key: str) -> None:
    """TooManyRequests when the key has to wait."""
    if seconds := rate.wait(key):
        raise TooManyRequests("too many requests at once: wait a moment", retry_after=math.ceil(seconds))


def _own(request: Request) -> bool:
    """Whether no other site's page asks for this: what reads may be linked to, what buys may not."""
    origin = request.headers.get("Origin")
    return request.method in ("GET", "HEAD") or origin is None or origin == f"http://{request.host}"


def _response(request: Request, answer: Answer) -> Response:
    response = Response(answer.body, answer.status, headers=dict(answer.headers))
    response.headers["Vary"] = "Accept-Encoding, Cookie"
    if request.accept_encodings["gzip"] > 0 and answer.packed is not None:
        response.set_data(answer.packed)
        response.headers["Content-Encoding"] = "gzip"
    if "ETag" in answer.headers and answer.status == 200:
        response.set_etag(response.get_etag()[0] or "", weak=True)  # the same file, packed or not
        response.make_conditional(request)
    return response
