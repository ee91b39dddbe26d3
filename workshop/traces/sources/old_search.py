"""What a Jaeger without trace summaries (before 2.19) cannot search for: whether a span failed, its kind, its scope.

Such a server compares every key with the spans' attributes alone, and 2.13 finds nothing for `error=true`. Its search
sends whole traces, so these keys are compared here, as Jaeger 2.20 compares them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from workshop.traces.model.trace import Span, Trace

# Traces that are looked through for so many wanted ones: most traces do not fail.
LOOKED_THROUGH = 500

_MEANINGS: dict[str, Callable[[Span, str], bool]] = {
    # As in Jaeger, error=false asks for the status OK, which is not the same as no error.
    "error": lambda span, value: span.status == {"true": "error", "false": "ok"}.get(value.lower()),
    "span.status": lambda span, value: span.status == value.lower(),
    "span.kind": lambda span, value: span.kind == value.lower(),
    "scope.name": lambda span, value: span.scope == value,
}


def meant(attributes: Mapping[str, str]) -> dict[str, str]:
    """Those of the attributes that mean the span itself."""
    return {key: value for key, value in attributes.items() if key in _MEANINGS}


def fits(
    trace: Trace,
    service: str,
    operation: str | None,
    attributes: Mapping[str, str],
    min_ms: float | None,
    max_ms: float | None,
) -> bool:
    """Whether one span of the trace matches everything, as a search means it."""
    return any(
        span.service == service
        and operation in (None, span.name)
        and (min_ms is None or span.ms >= min_ms)
        and (max_ms is None or span.ms <= max_ms)
        and all(_has(span, key, value) for key, value in attributes.items())
        for span in trace.spans
    )


def _has(span: Span, key: str, value: str) -> bool:
    if meaning := _MEANINGS.get(key):
        return meaning(span, value)
    places: list[dict[str, Any]] = [span.attributes, span.resource]
    places += [event.attributes for event in span.events] + [link.attributes for link in span.links]
    return any(_text(place[key]) == value for place in places if key in place)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
