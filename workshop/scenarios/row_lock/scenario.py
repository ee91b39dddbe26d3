"""A stocktake holds the products' rows."""

from itertools import pairwise

from workshop.changes import jobs
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import LEAST, longest, median_ms, spans
from workshop.traces.model.trace import Span

WAIT_MS = 150.0
TOGETHER_MS = 60.0


def signature(population: Population) -> Proof:
    """SELECT product waits in reservations of several traces that are let go together; plain reads meanwhile do not."""
    locks, reads = lock_waits(population)
    waits = [span for span in locks if span.ms >= WAIT_MS]
    if len(waits) < LEAST or not let_go_together(waits):
        return Proof(f"{len(waits)} reservations wait for their products' rows, and are let go one by one")
    overlapping = [read for read in reads if any(read.start < wait.end and wait.start < read.end for wait in waits)]
    if not overlapping or median_ms(overlapping) > 0.25 * median_ms(waits):
        return Proof(f"{len(overlapping)} reads meanwhile take {median_ms(overlapping):.0f} ms")
    told = f"SELECT product FOR UPDATE waits up to {longest(waits)[0].ms:.0f} ms in {len(waits)} reservations"
    return Proof(f"{told}; meanwhile reads of product take {median_ms(overlapping):.1f} ms", longest(waits))


def lock_waits(population: Population) -> tuple[list[Span], list[Span]]:
    """The statements on product: those that lock rows, in reservations, and those that only read."""
    locks: list[Span] = []
    reads: list[Span] = []
    for trace, span in spans(population, "inventory", "SELECT product", "client"):
        above = trace.parent(span)
        (locks if above and above.name == "POST /reservations" else reads).append(span)
    return locks, reads


def let_go_together(waits: list[Span]) -> bool:
    """Whether waits of several traces end at one moment."""
    ends = sorted((span.end, span.trace_id) for span in waits)
    return any(one[1] != other[1] and other[0] - one[0] <= TOGETHER_MS * 1e6 for one, other in pairwise(ends))


SCENARIO = Scenario(
    name="row-lock",
    title="A stocktake holds every product's row",
    audience="customers",
    page="Nobody can buy for seconds, then all at once; the shop can be browsed meanwhile.",
    over="SELECT product takes a millisecond, whenever.",
    changes=lambda: [jobs.sql("stocktake")],
    cures=["end the stocktake, and have it count without holding rows: a snapshot is enough to read"],
    signature=signature,
    diagnosis="waiting for rows",
    diagnosis_of_one="SELECT product",
    traffic=Traffic(users=4, browse=True, seconds=8.0),
    look_alikes={"blocking-migration": "there plain reads of the table wait, too"},
    period=8.0,
)
