"""What a person sees when something is not there: each page says what happened, where, and what to do next."""

from flask import Flask, render_template, request
from werkzeug.exceptions import HTTPException

from workshop.traces.sources import ids
from workshop.traces.sources.jaeger import JaegerError, JaegerUnavailable, TraceNotFound

# A trace is on its way for up to a second: its page asks again this often, a second apart.
TRIES = 5


def register(app: Flask) -> None:
    """Gives each kind of failure its page and status."""

    @app.errorhandler(JaegerUnavailable)
    def away(error: JaegerUnavailable) -> tuple[str, int]:
        return page("Jaeger does not answer", str(error), 503, again_after=5, tries=720)

    @app.errorhandler(TraceNotFound)
    def missing(error: TraceNotFound) -> tuple[str, int]:
        again = (
            f"this page asks again by itself, {TRIES} times" if tries_left(TRIES) else f"it was asked for {TRIES} times"
        )
        advice = (
            f"A trace takes up to a second to arrive after the answer that named it: {again}. If it stays away, the id "
            "is mistyped, the trace was not sampled, its spans were lost on the way (make status tells whether all "
            "is up), or it is so old that Jaeger dropped it."
        )
        return page("This trace is not there (yet)", str(error), 404, advice, again_after=1, tries=TRIES)

    @app.errorhandler(ids.InvalidId)
    def invalid(error: ids.InvalidId) -> tuple[str, int]:
        advice = "An id is what `make checkout` prints as its trace: up to 32 of the digits 0 to 9 and a to f."
        return page("That is no trace id", str(error), 400, advice)

    @app.errorhandler(JaegerError)
    def refused(error: JaegerError) -> tuple[str, int]:
        return page("Jaeger refused this", str(error), 502, "Its log says more: `make logs SERVICE=jaeger`.")

    @app.errorhandler(HTTPException)
    def plain(error: HTTPException) -> tuple[str, int]:
        return page(error.name, error.description or "", error.code or 500)


def page(
    title: str, message: str, status: int, advice: str = "", again_after: int = 0, tries: int = 0
) -> tuple[str, int]:
    """The page of a failure; with `again_after` (seconds) it reloads itself, at most `tries` times."""
    body = render_template(
        "failure.html",
        title=title,
        message=message,
        advice=advice,
        again_after=again_after,
        left=tries_left(tries),
        status=status,
    )
    return body, status


def tries_left(tries: int) -> int:
    """How often the page may still ask again: `retry.js` counts in the address."""
    tried = request.args.get("try", "0")
    return max(tries - int(tried), 0) if tried.isdecimal() and len(tried) < 6 else 0
