"""How templates write durations, shares, counts and times."""

from datetime import UTC, datetime

from flask import Flask
from markupsafe import Markup

from workshop.console.colours import colour
from workshop.traces import wording
from workshop.traces.model import naming
from workshop.traces.showing import account_view
from workshop.traces.time.account import account


def register(app: Flask) -> None:
    """Makes the filters known to the templates."""
    app.jinja_env.filters.update(
        duration=wording.duration,
        change=change,
        share=wording.share,
        count=wording.count,
        clean=wording.clean,
        label=lambda span: wording.clean(naming.label(span)),
        colour=colour,
        moment=moment,
        utc=utc,
        account=account,
        account_who=account_view.who,
        account_what=account_view.what,
        account_notes=account_view.notes,
    )
    app.jinja_env.globals["account_words"] = account_view.WORDS


def change(ms: float) -> str:
    """A change with its sign: `+12 ms`, `−811 ms`."""
    return ("+" if ms > 0 else "−" if ms < 0 else "±") + wording.duration(abs(ms))


def utc(unix_ms: float) -> str:
    """A time of day in UTC; `page.js` puts the reader's own in its place."""
    try:
        return f"{datetime.fromtimestamp(unix_ms / 1000, UTC):%H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return "an absurd time"


def moment(unix_ms: float) -> Markup:
    """The time of day as an element that `page.js` finds."""
    return Markup('<span class="moment" data-time="{}">{}</span>').format(unix_ms, utc(unix_ms))
