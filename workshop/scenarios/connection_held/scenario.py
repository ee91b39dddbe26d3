"""A connection is kept in hand while others are called: the pool is full, and the database idles."""

from workshop.changes import patching
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import is_statement, spans
from workshop.traces.neighbours.intervals import HOLE_MS, Interval, queue
from workshop.traces.time.self_time import gaps

LEAST = 10
# Of the holes; the others are a busy process, and those at the edge of the population, whose holders are not in it.
SHARE = 0.35
# Of the time that it is held.
AT_SQL = 0.4


def signature(population: Population) -> Proof:
    """Holes within orders that end when another one is confirmed, with many inside who hardly run a statement."""
    at_sql = 0.0
    held, holes, whole = [], [], []
    for trace, order in spans(population, "order", "ProcessOrder"):
        children = trace.children(order)
        called = [span for span in children if span.kind == "client" and not is_statement(span)]
        sent = [span for span in children if span.kind == "producer"]
        if called and sent:
            held.append(Interval(called[0].start, sent[-1].end, order))
            whole.append(Interval(order.start, order.end, order))
            at_sql += sent[-1].ms
            before = [gap for gap in gaps(trace, order) if gap.end <= called[0].start]
            holes += [Interval(gap.start, gap.end, order) for gap in before if gap.ms >= HOLE_MS]
    size, waits = queue(holes, held, whole)
    share = at_sql / max(sum(each.ms for each in held), 1)
    if len(holes) < LEAST or len(waits) < SHARE * len(holes) or size < 2 or share > AT_SQL:
        return Proof(f"{len(waits)} of {len(holes)} holes in orders are waits for {size} others, {share:.0%} SQL")
    waits.sort(key=lambda each: -each.ms)
    told = f"{len(waits)} orders wait for one of {size} others to be confirmed, {waits[0].ms:.0f} ms at most"
    return Proof(f"{told}; those run statements in {share:.0%} of their time", [each.span for each in waits])


SCENARIO = Scenario(
    name="connection-held",
    title="Order keeps a connection in hand across its calls",
    audience="customers",
    page="The checkout is slow when the shop is busy. Order's pool is full, its database idles.",
    over="Under load no order waits for a connection.",
    changes=lambda: [patching.named("order", "connection-held")],
    cures=["roll the release of order back: a connection is taken for a statement, and given back before a call"],
    signature=signature,
    diagnosis="a connection is kept in hand",
    diagnosis_of_one="order ProcessOrder",
    traffic=Traffic(users=20, seconds=5.0),
    look_alikes={"pool-too-small": "there those inside are at their statements, here they wait for another service"},
)
