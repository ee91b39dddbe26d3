"""Traces in which a part of a trace may have ended up, for its diagnosis: searches, so not for each look at a page."""

import time
from collections.abc import Callable

from workshop.console.trace.kept import Kept
from workshop.traces.model import conventions, matching
from workshop.traces.model.trace import Span, Trace
from workshop.traces.sources import fetching
from workshop.traces.sources.jaeger import JaegerClient, JaegerError

# A system outside, which sends no spans, is called in every trace: it is looked for once in so many seconds.
AGAIN_SECONDS = 10.0
MOST_KEPT = 1_000

Edges = frozenset[tuple[str, str]]  # who called without an answer, and at which address


class Elsewhere:
    """Finds them; safe for several threads. `clock` gives Unix seconds."""

    def __init__(self, jaeger: JaegerClient, clock: Callable[[], float] = time.time) -> None:
        self._jaeger, self._clock = jaeger, clock
        self._nothing = Kept[Edges, float](MOST_KEPT)  # when these calls were looked for in vain

    def of(self, trace: Trace) -> list[Trace]:
        """The traces; none where these very calls had no answer a moment ago, or Jaeger does not answer."""
        leaves = fetching.open_calls(trace)
        edges = frozenset((span.service, str(conventions.peer(span))) for span in leaves)
        now = self._clock()
        tried = self._nothing.get(edges)
        if tried is not None and 0 <= now - tried < AGAIN_SECONDS:
            return []
        try:
            found = fetching.related(self._jaeger, trace)
        except JaegerError:
            return []  # a search that fails must not cost the page
        # What is on its way yet was not looked for in vain.
        if now - trace.end / 1e9 > fetching.ON_THEIR_WAY and not any(_answers(leaves, other) for other in found):
            self._nothing.put(edges, now)
        return found


def _answers(leaves: list[Span], other: Trace) -> bool:
    return bool(other.roots) and any(
        matching.encloses(call, other.root) and matching.answers(call, other.root) for call in leaves
    )
