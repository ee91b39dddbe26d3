"""What keeps a page that shows strangers' text harmless: response headers, and a check of the Host header."""

import re

from flask import Flask, Response, request

# Scripts, styles and requests from the console itself only, nothing inline: text from a trace that got into a page
# as markup would still not run.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


def protect(app: Flask, allowed_hosts: frozenset[str]) -> None:
    """Adds the headers to every answer, and refuses Host names that are not the console's."""

    @app.before_request
    def check_host() -> Response | None:
        # A page elsewhere can point its own name at this address and read what is here (DNS rebinding).
        name = re.sub(r":\d+$", "", request.headers.get("Host", "")).lower()
        if name in allowed_hosts or "*" in allowed_hosts:
            return None
        message = f"403 host {name!r} is not known here: name it in ALLOWED_HOSTS\n"
        return Response(message, 403, content_type="text/plain; charset=utf-8")

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        # Traces come and go, and the scripts change with the checkout.
        response.headers["Cache-Control"] = "no-cache" if request.endpoint == "static" else "no-store"
        return response
