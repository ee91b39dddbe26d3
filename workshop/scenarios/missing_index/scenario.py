"""The index on the ledger's sku was forgotten."""

from workshop.changes.kinds import Change, Data
from workshop.scenarios import whole_table
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.shop import ledger


def changes() -> list[Change]:
    """Drop the index, without stopping anybody."""
    return [Data(name="index-dropped", up=[ledger.DROP], down=[ledger.CREATE])]


def signature(population: Population) -> Proof:
    """The sum of the ledger is most of a checkout's SQL, and its plan reads the whole table, as was expected of it."""
    slow, scan = whole_table.seen(population)
    if scan is None:
        return slow
    if scan.misjudged:
        return Proof(f"the plan expects {scan.expected:,} rows and finds {scan.found:,}: the statistics are wrong")
    return Proof(f"{slow.words}; the plan reads the whole table for {scan.found:,} rows, as expected", slow.spans)


SCENARIO = Scenario(
    name="missing-index",
    title="A growing ledger is read as a whole for every reservation",
    audience="customers",
    page="The checkout is slow for everybody, and every week a little slower.",
    over="The checkout's p95 is what it was.",
    changes=changes,
    cures=["create the index: CREATE INDEX CONCURRENTLY"],
    signature=signature,
    diagnosis="an index on (sku) is missing",
    diagnosis_of_one="slow statement: inventory SELECT stock_movement",
    look_alikes={"stale-statistics": "the same trace; the plan expects far more rows than there are, the index exists"},
    index=True,
)
