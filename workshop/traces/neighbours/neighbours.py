"""Who held what a trace waited for: from the times of the other traces of the same moments."""

from collections.abc import Sequence

from workshop.traces.model.trace import Trace
from workshop.traces.neighbours.locks import Locks
from workshop.traces.neighbours.model import Neighbours, Wait
from workshop.traces.neighbours.pools import Pools
from workshop.traces.neighbours.processes import Processes
from workshop.traces.neighbours.queues import Queues


class Population:
    """All that is known of who held what, from the traces of some seconds; asked for one trace after another."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        # The same trace twice would be its own neighbour.
        self._traces = {trace.trace_id: trace for trace in traces}
        every = list(self._traces.values())
        self._locks, self._pools, self._queues = Locks(every), Pools(every), Queues(every)
        self._processes = Processes(every, [hole for holes in self._pools.waiting.values() for hole in holes])

    def of(self, trace: Trace) -> Neighbours:
        """What a trace of the population waited for, and who held it."""
        waits: list[Wait] = [
            *(wait for wait in self._locks.waits(trace) if not self._processes.explains(wait.span)),
            *self._pools.waits(trace),
            *self._processes.waits(trace),
            *self._queues.waits(trace),
        ]
        waits.sort(key=lambda wait: (-wait.ns, wait.start))
        return Neighbours(trace, waits, sum(each != trace.trace_id for each in self._traces))


def neighbours(trace: Trace, others: Sequence[Trace]) -> Neighbours:
    """Who held what `trace` waited for. `others` are the traces of the same moments, and of some seconds before.

    It is told from times alone, so likely, not certain; where fewer than some ten traces are there, little can be told.
    It takes seconds for some hundred traces of some thousand spans each.
    """
    return Population([*others, trace]).of(trace)
