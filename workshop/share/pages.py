"""The few pages of the door itself: a refusal, and the link for the projector."""

import json
import secrets
from http import HTTPStatus

import segno
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from workshop.share.room import Room

PAGE = Markup(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style nonce="{nonce}">{style}</style>
</head>
<body><main><h1>{title}</h1>{content}</main></body>
</html>
"""
)
STYLE = Markup("""
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.25rem/1.4 system-ui, sans-serif; }
main { padding: 1rem; max-width: 60rem; text-align: center; }
h1 { font-size: clamp(1.5rem, 4vw, 3rem); margin: 0 0 1rem; }
svg { display: block; margin: 0 auto; width: min(60vh, 90vw); height: auto; background: #fff; border-radius: 1rem; }
.link { font: clamp(1rem, 2.2vw, 2rem)/1.3 ui-monospace, monospace; overflow-wrap: anywhere; }
""")


def projector(room: Room) -> Response:
    """The link, large, and its QR code: dark on white in both schemes, as scanners want it."""
    code = segno.make(room.link, error="m", micro=False)
    drawn = Markup(code.svg_inline(scale=1, border=3, dark="#000", light="#fff", omitsize=True))  # noqa: S704
    content = Markup('{code}<p class="link"><a href="{link}">{link}</a></p><p>{words}</p>').format(
        code=drawn,
        link=room.link,
        words="The shop, and the traces of what you buy. You need a browser in this network.",
    )
    return _page("Come in", content, 200)


def failure(error: HTTPException, *, html: bool) -> Response:
    """The error, as a page for a person or as `application/problem+json` for a script."""
    status = HTTPStatus(error.code or 500)
    wait = {name: value for name, value in error.get_headers() if name == "Retry-After"}
    if html:
        response = _page(status.phrase, Markup("<p>{}</p>").format(error.description), status)
    else:
        body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": error.description}
        response = Response(json.dumps(body), status, content_type="application/problem+json")
        response.headers["Cache-Control"] = "no-store"
    response.headers.update(wait)
    return response


def _page(title: str, content: Markup, status: int) -> Response:
    nonce = secrets.token_urlsafe(12)
    text = PAGE.format(title=escape(title), nonce=nonce, style=STYLE, content=content)
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(text, status, headers=headers, content_type="text/html; charset=utf-8")
