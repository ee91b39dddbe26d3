"""Rows are locked in the order of the cart: two carts wait for each other in a circle."""

from workshop.changes.kinds import Release
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import spans
from workshop.traces.model.trace import Span

# deadlock_timeout is a second; PostgreSQL looks for a circle after it.
WAIT_MS = 500.0
LET_GO_MS = 300.0
DEADLOCK = "40P01"


def signature(population: Population) -> Proof:
    """SELECT product ends with 40P01 after a wait, and in another trace one that waited, too, is let go with it."""
    locks = [span for _, span in spans(population, "inventory", "SELECT product", "client")]
    ended = [span for span in locks if str(span.attributes.get("db.response.status_code")) == DEADLOCK]
    pairs = [(one, twin) for one in ended if one.ms >= WAIT_MS if (twin := _twin(one, locks))]
    if not pairs:
        return Proof(f"{len(ended)} statements ended with {DEADLOCK}, none beside another that was let go with it")
    one, twin = pairs[0]
    told = f"{len(ended)} statements waited and ended with {DEADLOCK}, after {one.ms:.0f} ms the first"
    return Proof(f"{told}; that moment one of {twin.trace_id} went on", [span for pair in pairs for span in pair])


def _twin(ended: Span, locks: list[Span]) -> Span | None:
    """The wait in another trace that the end of this one has ended."""
    for span in locks:
        let_go = (span.end - ended.end) / 1e6
        if span.trace_id != ended.trace_id and span.start < ended.end and -5 <= let_go <= LET_GO_MS:
            return span
    return None


SCENARIO = Scenario(
    name="deadlock",
    title="Two carts lock the same rows in opposite order",
    audience="customers",
    page="When many buy the same few products, some checkouts hang for a second, and some fail.",
    over="No statement ends with 40P01.",
    changes=lambda: [
        Release(service="inventory", name="deadlock", patch="workshop/scenarios/deadlock/inventory.patch")
    ],
    cures=["roll the release of inventory back: rows are locked in one order, whatever the cart's is"],
    signature=signature,
    diagnosis="deadlock",
    diagnosis_of_one="deadlock",
    traffic=Traffic(users=6, carts=(4,), products=6, seconds=6.0),
    look_alikes={"row-lock": "there nobody of ours holds the rows, and the wait ends without an error, or after 4 s"},
)
