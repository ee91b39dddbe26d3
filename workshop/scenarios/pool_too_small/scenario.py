"""A pool of one connection: everybody waits for the one before."""

from workshop.changes.kinds import Setting
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import spans, statements_below
from workshop.traces.neighbours.intervals import HOLE_MS, Interval, queue

LEAST = 10
SHARE = 0.6


def signature(population: Population) -> Proof:
    """Holes before inventory's first statement that end when another trace's last one does, a few at a time inside."""
    held, holes, whole = [], [], []
    for trace, server in spans(population, "inventory", "POST /reservations", "server"):
        statements = statements_below(trace, server)
        if statements:
            held.append(Interval(statements[0].start, max(span.end for span in statements), server))
            holes.append(Interval(server.start, statements[0].start, server))
            whole.append(Interval(server.start, server.end, server))
    long = [each for each in holes if each.ms >= HOLE_MS]
    size, waits = queue(long, held, whole)
    if len(long) < LEAST or len(waits) < SHARE * len(long):
        return Proof(f"{len(waits)} of {len(long)} holes before the first statement are waits for {size} others")
    waits.sort(key=lambda each: -each.ms)
    told = f"{len(waits)} of {len(held)} reservations wait before their first statement, {waits[0].ms:.0f} ms at most"
    return Proof(f"{told}; never more than {size} hold SQL at once", [each.span for each in waits])


SCENARIO = Scenario(
    name="pool-too-small",
    title="Inventory's pool has one connection",
    audience="customers",
    page="The checkout is slow when the shop is busy. The database has nothing to do.",
    over="Under load no reservation waits before its first statement.",
    changes=lambda: [Setting(service="inventory", values={"DATABASE_POOL_SIZE": "1"})],
    cures=["a pool of the size that the load needs: roll the setting back"],
    signature=signature,
    diagnosis="waiting for a connection",
    diagnosis_of_one="dark time: inventory POST /reservations",
    traffic=Traffic(users=8, carts=(8, 14, 20), seconds=4.0),
    look_alikes={
        "connection-held": "there the pool is full while the database idles, here those inside are at their statements",
        "starved-cpu": "there holes end when a period ends, here when another trace's transaction does",
    },
)
