"""ALTER TABLE waits behind a report, and everybody who comes after it waits behind ALTER TABLE."""

from workshop.changes import jobs
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import longest, median_ms, spans
from workshop.scenarios.row_lock.scenario import WAIT_MS, let_go_together, lock_waits

LEAST = 4
LEAST_READS = 2
# A statement on another table takes so much of such a wait at most.
ELSEWHERE = 0.25
# And so many of them wait as long, at most: a process that is frozen now and then waits everywhere.
FEW = 0.1


def signature(population: Population) -> Proof:
    """Statements on product wait and are let go together, plain reads among them; those on another table do not."""
    locks, reads = lock_waits(population)
    waits = [span for span in (*locks, *reads) if span.ms >= WAIT_MS]
    read_waits = [span for span in reads if span.ms >= WAIT_MS]
    if len(waits) < LEAST or len(read_waits) < LEAST_READS or not let_go_together(waits):
        return Proof(f"{len(waits)} statements on product wait, {len(read_waits)} of them plain reads")
    sums = [span for _, span in spans(population, "inventory", "SELECT stock_movement", "client")]
    if median_ms(sums) > ELSEWHERE * median_ms(waits):
        return Proof(f"statements on another table take {median_ms(sums):.0f} ms, too")
    slow = [span for span in sums if span.ms >= WAIT_MS]
    if len(slow) > FEW * len(sums):
        return Proof(f"{len(slow)} of {len(sums)} statements on another table wait, too")
    told = f"{len(waits)} statements on product wait up to {longest(waits)[0].ms:.0f} ms and are let go together"
    return Proof(f"{told}; {len(read_waits)} of them are plain reads, which no row lock stops", longest(read_waits))


SCENARIO = Scenario(
    name="blocking-migration",
    title="ALTER TABLE waits behind a report, and everybody behind ALTER TABLE",
    audience="customers",
    page="Every few seconds the whole shop stands still, the catalogue too; then all is well again.",
    over="The catalogue is read in a millisecond, whenever.",
    changes=lambda: [jobs.sql("report"), jobs.sql("migration")],
    cures=["stop the migration; it comes back with a lock_timeout and tries again", "end the report that it waits for"],
    signature=signature,
    diagnosis="waiting for the whole table",
    diagnosis_of_one="slow statement: inventory SELECT product",
    traffic=Traffic(users=8, browse=True, seconds=8.0, cold=True),
    look_alikes={"row-lock": "there plain reads go on"},
    period=8.0,
)
