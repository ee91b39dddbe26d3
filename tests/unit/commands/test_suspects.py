"""Two windows of a Jaeger: what is in them, and what is left out."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.traces.trace_shapes import server, trace
from workshop.commands import suspects
from workshop.traces.model.trace import Trace
from workshop.traces.sources.fetching import NoTraces
from workshop.traces.sources.summaries import TraceSummary


class Jaeger:
    """Finds these summaries in every window, and gives a trace for each id."""

    def __init__(self, found: Sequence[TraceSummary]) -> None:
        self.found = found

    def search(self, *_: object, **__: object) -> list[TraceSummary]:
        """All of them."""
        return list(self.found)

    def get_trace(self, trace_id: str) -> Trace:
        """One of its own."""
        return trace(server("gateway", "POST /checkout", 0, 60), trace_id=trace_id)


def summary(number: int, ago: float, **changes: Any) -> TraceSummary:
    """A trace that ended so many seconds ago."""
    end = int((time.time() - ago) * 1e9)
    known: dict[str, Any] = {
        "trace_id": f"{number:032x}",
        "root_service": "gateway",
        "root_name": "POST /checkout",
        "span_count": 9,
    }
    known |= {"start": end - 10**8, "end": end, "error_count": 0, "orphan_count": 0, "services": {"gateway": 1}}
    return TraceSummary(**(known | changes))


NO_ROOT: dict[str, Any] = {"root_service": "", "root_name": "", "orphan_count": 3}


def test_what_is_still_being_served_is_left_out() -> None:
    """Under load the newest traces have no root yet, or lack a parent: no broken traces. Those of long ago are."""
    found = [summary(1, 2), summary(2, 1, **NO_ROOT), summary(3, 1, orphan_count=1), summary(4, 60, **NO_ROOT)]
    old, new = suspects.windows(Jaeger(found), "gateway", "", "10m", "1h")  # type: ignore[arg-type]
    assert [each.trace_id for each in new] == [f"{number:032x}" for number in (1, 4)]
    assert len(old) == 2


def test_nothing_but_what_is_still_being_served() -> None:
    """It is said that there is nothing yet."""
    with pytest.raises(NoTraces, match="no trace of gateway"):
        suspects.windows(Jaeger([summary(2, 1, **NO_ROOT)]), "gateway", "", "10m", "1h")  # type: ignore[arg-type]
