"""The search form: what a person types, as what Jaeger's search takes."""

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

LOOKBACKS = {
    "5m": ("last 5 minutes", 300),
    "15m": ("last 15 minutes", 900),
    "1h": ("last hour", 3600),
    "6h": ("last 6 hours", 6 * 3600),
    "24h": ("last day", 86_400),
    "7d": ("last 7 days", 7 * 86_400),
}
SORTS = {"newest": "newest first", "longest": "longest first"}
LIMITS = (20, 50, 100, 500)
AHEAD = 60.0  # seconds
ANY = "*"  # as a service: all of them
_MS = {"us": 0.001, "µs": 0.001, "ms": 1.0, "": 1.0, "s": 1000.0, "m": 60_000.0, "min": 60_000.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|µs|ms|s|m|min|)")


class FormError(ValueError):
    """A field cannot be understood; the message says which and what it should be."""


@dataclass(slots=True)
class SearchForm:
    """The fields as typed, with what they mean. Empty fields do not narrow the search.

    `start` and `end` (Unix ms, `from` and `to` in the address) name a period; 0: `lookback` up to now.
    """

    service: str = ""
    operation: str = ""
    attributes: str = ""
    min: str = ""
    max: str = ""
    lookback: str = "1h"
    limit: int = 50
    sort: str = "newest"
    start: float = 0.0
    end: float = 0.0
    errors: list[str] = field(default_factory=list)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "SearchForm":
        """Reads the page's query string; a field that makes no sense is named in `errors`."""
        form = cls(
            service=query.get("service", "").strip(),
            operation=query.get("operation", "").strip(),
            attributes=query.get("attributes", "").strip(),
            min=query.get("min", "").strip(),
            max=query.get("max", "").strip(),
        )
        if query.get("lookback") in LOOKBACKS:
            form.lookback = query["lookback"]
        if query.get("sort") in SORTS:
            form.sort = query["sort"]
        if query.get("limit", "").isdecimal():
            form.limit = min(max(int(query["limit"][:6]), 1), 1500)
        form.start, form.end = _period(query.get("from", ""), query.get("to", ""))
        for check in (form.wanted_attributes, form.shortest, form.longest):
            try:
                check()
            except FormError as error:
                form.errors.append(str(error))
        if not form.errors and (form.shortest() or 0) > (form.longest() or math.inf):
            form.errors.append(f"at least {form.min} and at most {form.max}: nothing is both")
        return form

    def wanted_attributes(self) -> dict[str, str]:
        """`error=true http.route="/a b"` as a dict; raises FormError."""
        try:
            parts = shlex.split(self.attributes)
        except ValueError:
            raise FormError(f"attributes: a quote is open in {self.attributes!r}") from None
        pairs = [part.partition("=") for part in parts]
        if wrong := [key for key, equals, _ in pairs if not equals or not key]:
            raise FormError(f"attributes: {wrong[0]!r} is not key=value, such as error=true")
        return {key: value for key, _, value in pairs}

    def shortest(self) -> float | None:
        """The least duration in ms; raises FormError."""
        return milliseconds("at least", self.min)

    def longest(self) -> float | None:
        """The greatest duration in ms; raises FormError."""
        return milliseconds("at most", self.max)

    @property
    def any_service(self) -> bool:
        """Whether every service is searched."""
        return self.service in ("", ANY)

    @property
    def narrowed(self) -> str:
        """What narrows the search beside its kind, in a few words; empty where nothing does."""
        at_least = f"≥ {self.min}" if self.min else ""
        at_most = f"≤ {self.max}" if self.max else ""
        return ", ".join(filter(None, (self.attributes, at_least, at_most)))

    @property
    def lookback_seconds(self) -> int:
        """How far back the search goes."""
        return LOOKBACKS[self.lookback][1]

    def period(self, now: float) -> tuple[float, float]:
        """From when to when is searched, in Unix seconds, at `now`; clocks of other machines may be ahead."""
        return (self.start / 1000, self.end / 1000) if self.start else (now - self.lookback_seconds, now + AHEAD)

    def narrowing(self) -> tuple[object, ...]:
        """What narrows the search beside its services and its time; equal for equal searches."""
        attributes = tuple(sorted(self.wanted_attributes().items()))
        return self.operation, attributes, self.shortest(), self.longest()

    @property
    def wider(self) -> str | None:
        """The next longer lookback; None when there is none."""
        names = list(LOOKBACKS)
        index = names.index(self.lookback) + 1
        return names[index] if index < len(names) else None

    def query(self, **changed: object) -> dict[str, object]:
        """The query string's parameters, those at their default left out, with some changed."""
        default = SearchForm()
        names = ("service", "operation", "attributes", "min", "max", "lookback", "limit", "sort")
        values = {name: getattr(self, name) for name in names} | changed
        period = {"from": int(self.start), "to": int(self.end)} if self.start and "lookback" not in changed else {}
        return {name: value for name, value in values.items() if value != getattr(default, name)} | period


def _period(start: str, end: str) -> tuple[float, float]:
    """Two Unix times in ms; 0 and 0 unless both are times, one after the other."""
    try:
        first, last = float(start), float(end)
    except ValueError:
        return 0.0, 0.0
    # Beyond this no clock that Jaeger understands goes; NaN is below nothing.
    return (first, last) if 0 < first < last < 4e12 else (0.0, 0.0)


def milliseconds(name: str, text: str) -> float | None:
    """`100`, `100ms`, `1.2s`, `500us` in ms; None for an empty text. Raises FormError."""
    if not text:
        return None
    match = _DURATION.fullmatch(text.lower())
    if not match:
        raise FormError(f"{name}: {text!r} is not a duration, such as 100ms or 1.2s")
    return float(match[1]) * _MS[match[2]]
