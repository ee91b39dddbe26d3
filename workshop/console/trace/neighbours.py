"""Who held what a trace waited for, and what else only the others of its time tell, for its page.

Some hundred traces are read for it, so only where somebody asks.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from workshop.console.trace.kept import Kept
from workshop.traces import wording
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.diagnosis.findings import Finding
from workshop.traces.model import naming
from workshop.traces.model.trace import Trace
from workshop.traces.neighbours.model import Holder, Wait
from workshop.traces.neighbours.neighbours import neighbours
from workshop.traces.sources import summaries
from workshop.traces.sources.beside import beside
from workshop.traces.sources.jaeger import JaegerClient

# A whole room may ask at once: so many are looked for at a time, the others ask again.
AT_ONCE = 2
PATIENCE_SECONDS = 1.0
# As long as traces still come, the answer changes.
KEPT_SECONDS = 3.0
MOST_KEPT = 200
MOST_WAITS, MOST_HOLDERS, MOST_FINDINGS = 8, 5, 5


class Busy(Exception):
    """Others are being looked for; ask again in a second."""


class NeighboursOfTraces:
    """Finds them and keeps what it found; safe for several threads. `clock` gives Unix seconds."""

    def __init__(self, jaeger: JaegerClient, clock: Callable[[], float] = time.time) -> None:
        self._jaeger, self._clock = jaeger, clock
        self._kept = Kept[str, tuple[float, dict[str, Any]]](MOST_KEPT)  # until when it is good, and what was found
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def of(self, trace_id: str) -> dict[str, Any]:
        """The waits of a trace with who held what was waited for, as the page shows them; times in ms.

        Before them what the diagnosis finds with the others of the time, and not in the trace alone ("among").

        `trace_id` in 32 hex digits. Raises Busy, and JaegerError.
        """
        if found := self._known(trace_id):
            return found
        if not self._turns.acquire(timeout=PATIENCE_SECONDS):
            raise Busy
        try:
            # Another one may have asked for the same meanwhile.
            return self._known(trace_id) or self._look(trace_id)
        finally:
            self._turns.release()

    def _known(self, trace_id: str) -> dict[str, Any] | None:
        until, found = self._kept.get(trace_id) or (0.0, None)
        return found if self._clock() < until else None

    def _look(self, trace_id: str) -> dict[str, Any]:
        now = self._clock()
        trace = self._jaeger.get_trace(trace_id)
        others = beside(self._jaeger, trace, now)
        found = neighbours(trace, others)
        told = {
            "among": [_finding(each) for each in _told_by_others(trace, others)[:MOST_FINDINGS]],
            "verdict": found.verdict,
            "waits": [_wait(wait) for wait in found.waits[:MOST_WAITS]],
            "more": max(len(found.waits) - MOST_WAITS, 0),
        }
        over = now - trace.end / 1e9 > summaries.SETTLED
        self._kept.put(trace_id, (float("inf") if over else now + KEPT_SECONDS, told))
        return told


def _told_by_others(trace: Trace, others: list[Trace]) -> list[Finding]:
    # With its lost callees, as the page has it.
    alone = {each.key for each in diagnose(trace, related=others).findings}
    return [each for each in diagnose_many([trace], around=others).findings if each.key not in alone]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "title": wording.clean(finding.title),
        "details": [wording.clean(line) for line in finding.details],
        "advice": wording.clean(finding.advice),
    }


def _wait(wait: Wait) -> dict[str, Any]:
    return {
        "title": wait.title,
        "span": wait.span.span_id,
        "verdict": wait.verdict,
        "holders": [_holder(holder) for holder in wait.holders[:MOST_HOLDERS]],
        "more": max(len(wait.holders) - MOST_HOLDERS, 0),
        "evidence": [wording.clean(line) for line in wait.evidence],
        "waited": list(wait.together[:MOST_HOLDERS]),
    }


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "trace": holder.span.trace_id,
        "span": holder.span.span_id,
        "name": wording.clean(f"{holder.span.service} {naming.label(holder.span)}"),
        "ms": round(holder.ns / 1e6, 4),
        "letGo": holder.let_go,
        "sentBy": holder.sent_by,
    }
