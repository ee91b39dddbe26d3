"""What stands on top of the trace page in large type: why it failed, else where its time went."""

from dataclasses import dataclass
from typing import Literal

from workshop.traces import wording
from workshop.traces.diagnosis.findings import Diagnosis
from workshop.traces.model import conventions, naming
from workshop.traces.model.error_words import error_words
from workshop.traces.model.trace import Trace

Look = Literal["failed", "hot", "quiet"]
MUCH = 0.1  # of the critical path: a leg of less is no news


@dataclass(slots=True, frozen=True)
class Banner:
    """A number that can be read from the back row, where, and a line below; it leads to a span."""

    look: Look
    number: str
    where: str
    name: str
    below: str
    span_id: str


def banners(trace: Trace, diagnosis: Diagnosis, leg_name: str) -> list[Banner]:
    """The error first where the trace answered with a server's error; then the longest leg, loud if it hurts."""
    found = []
    status = conventions.http_status(trace.root)
    failed = trace.root.is_error or (status or 0) >= 500
    error = next((f for f in diagnosis.findings if f.rule == "error" and f.evidence), None) if failed else None
    if error:
        origin = trace.by_id.get(error.evidence[0].span_id, trace.root)
        words = _words(trace, origin.span_id)
        name = wording.clean(naming.short_label(origin))
        found.append(
            Banner("failed", str(status or "✗"), f"error in {error.evidence[0].service}", name, words, origin.span_id)
        )
    leg = diagnosis.leg
    if leg.ms:
        calm = diagnosis.healthy or leg.share < MUCH or error is not None
        below = f"longest leg: {wording.duration(leg.ms)} on the critical path"
        look: Look = "quiet" if calm else "hot"
        found.append(Banner(look, wording.share(leg.share), f"in {leg.service}", leg_name, below, leg.span_id))
    return found


def _words(trace: Trace, span_id: str) -> str:
    """What went wrong: the span's own words, else those of the nearest span above that has any."""
    span = trace.by_id[span_id]
    for each in (span, *trace.ancestors(span)):
        words = error_words(each)
        if words and not words.startswith("answered"):
            return wording.clean(words)
    return wording.clean(error_words(span)) or "it does not say why"
