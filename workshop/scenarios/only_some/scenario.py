"""Slow for some only: the question is what the slow ones have in common."""

from statistics import median

from workshop.changes.kinds import Release
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.n_plus_one.scenario import lines_of
from workshop.scenarios.reading import checkouts, spans, statements_below
from workshop.traces.model.trace import Span, Trace

LEAST = 3
# So many times as long as the others.
TIMES = 4.0
# What the slow ones have, and the others do not, is so much of them.
SHARE = 0.4


def signature(population: Population) -> Proof:
    """Above a number of lines a reservation takes many times as long, and has a statement that the others lack."""
    found = [
        (lines_of(trace), server, _more(trace, server))
        for trace, server in spans(population, "inventory", "POST /reservations", "server")
        if lines_of(trace)
    ]
    sizes = sorted({lines for lines, _, _ in found})
    for above in sizes[1:]:
        slow = [(server, more) for lines, server, more in found if lines >= above]
        quick = [(server, more) for lines, server, more in found if lines < above]
        if min(len(slow), len(quick)) < LEAST or any(more for _, more in quick) or not all(more for _, more in slow):
            continue
        times = median(server.ms for server, _ in slow) / max(median(server.ms for server, _ in quick), 1)
        whose = [more[0] for server, more in slow if more and more[0].ms >= SHARE * server.ms]
        if times >= TIMES and len(whose) >= 0.8 * len(slow):
            told = f"carts of {above} lines and more take {times:.0f} times as long"
            whose.sort(key=lambda span: -span.duration)
            return Proof(f"{told}: they alone run a statement more, {whose[0].ms:.0f} ms of {whose[0].name}", whose)
    return Proof(f"no size among {len(checkouts(population))} checkouts divides the slow ones from the quick ones")


def _more(trace: Trace, server: Span) -> list[Span]:
    """The statements before the products are locked, which is the first thing that a reservation usually does."""
    statements = statements_below(trace, server)
    names = [span.name for span in statements]
    return statements[: names.index("SELECT product")] if "SELECT product" in names else []


SCENARIO = Scenario(
    name="only-some",
    title="Carts of more than ten lines are looked at, with a statement that reads everything",
    audience="customers",
    page="Most customers are happy; canteens and offices cannot order. The median is as good as ever.",
    over="The p99 is what it was, and no size of cart is worse off.",
    changes=lambda: [
        Release(service="inventory", name="only-some", patch="workshop/scenarios/only_some/inventory.patch")
    ],
    cures=["roll the release of inventory back", "count once a night what is usual, and not in every request"],
    signature=signature,
    diagnosis="order.item_count is 14 or more",
    diagnosis_of_one="slow statement: inventory SELECT stock_movement",
    traffic=Traffic(carts=(3, 8, 14, 20)),
    look_alikes={"n-plus-one": "there it grows line by line, here it jumps at one size"},
)
