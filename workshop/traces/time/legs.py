"""The longest leg: where most of a trace's time went, repeats of one piece of work taken together."""

from dataclasses import dataclass

from workshop.traces.model import naming
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.critical_path import Section, on_path


@dataclass(slots=True, frozen=True)
class LongestLeg:
    """The spans of the leg (several where siblings do the same work) and their self time on the critical path in ns."""

    spans: list[Span]
    ns: int

    @property
    def span(self) -> Span:
        """The first of the spans."""
        return self.spans[0]

    @property
    def label(self) -> str:
        """The span's label, with the number of repeats."""
        times = f" × {len(self.spans)}" if len(self.spans) > 1 else ""
        return naming.label(self.span) + times


def longest_leg(trace: Trace, path: list[Section]) -> LongestLeg:
    """The leg with the most self time on the critical path; the root with 0 when nothing took any time."""
    own = on_path(path)
    groups: dict[tuple[str | None, tuple[str, ...]], list[Span]] = {}
    for span_id in own:
        span = trace.by_id[span_id]
        groups.setdefault((span.parent_id, naming.same_work(span)), []).append(span)
    if not groups:
        return LongestLeg([trace.root], 0)
    spans = max(groups.values(), key=lambda group: sum(own[span.span_id] for span in group))
    return LongestLeg(spans, sum(own[span.span_id] for span in spans))
