"""Plans of statements for the trace pages: asked for once for many pages, and never older than the trace."""

import time
from collections.abc import Callable
from typing import Any

from workshop.console.trace.kept import Kept
from workshop.traces.diagnosis.facts import Explain
from workshop.traces.model.trace import Trace

# A plan costs a connection and five ways to the database and back; where that is what is slow they cost a second.
KEPT_SECONDS = 10.0
MOST_KEPT = 200


class Plans:
    """Keeps what `explain` answered; safe for several threads. `clock` gives Unix seconds."""

    def __init__(self, explain: Explain, clock: Callable[[], float] = time.time) -> None:
        self._explain, self._clock = explain, clock
        self._kept = Kept[tuple[str, str | None], tuple[float, Any]](MOST_KEPT)  # when it was asked for, and the plan

    def of(self, trace: Trace) -> Explain:
        """What plans a statement of this trace: as it is planned at a moment after the trace's end."""

        def explain(statement: str, database: str | None) -> Any:
            now = self._clock()
            asked, plan = self._kept.get((statement, database)) or (0.0, None)
            if asked > trace.end / 1e9 and 0 <= now - asked < KEPT_SECONDS:
                return plan
            plan = self._explain(statement, database)
            self._kept.put((statement, database), (now, plan))
            return plan

        return explain
