"""What keeps a page that shows strangers' text harmless: response headers, and checks of who asks."""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from common.serving import hosts

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
        if problem := hosts.refusal(request.headers.get("Host"), allowed_hosts):
            return Response(f"403 {problem}\n", 403, content_type="text/plain; charset=utf-8")
        return None

    @app.before_request
    def check_origin() -> Response | None:
        # Whatever changes something here is asked for by the console's own pages, not by another site's form or script.
        # Browsers say from where; what says nothing is no browser (curl).
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return None
        # Sec-Fetch-Site, which no page can set, is not sent to plain addresses of a network: there Origin tells.
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        own = origin is None or urlsplit(origin).netloc.lower() == request.host.lower()
        if site in ("same-origin", "none") or (site is None and own):
            return None
        message = "403 this was asked for by another site's page: use the console's own\n"
        return Response(message, 403, content_type="text/plain; charset=utf-8")

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        # Without any referrer a browser would say of our own forms that they come from nowhere (`Origin: null`).
        response.headers["Referrer-Policy"] = "same-origin"
        # Traces come and go, and the scripts change with the checkout.
        response.headers["Cache-Control"] = "no-cache" if request.endpoint == "static" else "no-store"
        return response
