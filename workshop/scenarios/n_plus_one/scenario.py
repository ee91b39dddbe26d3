"""A statement for each line of the cart."""

from workshop.changes import patching
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import one_after_the_other, spans, statements_below
from workshop.traces.model.trace import Span, Trace

# So many statements of one kind in one request are no accident.
MANY = 5


def signature(population: Population) -> Proof:
    """As many statements of one kind, one after the other, as the cart has lines: in carts of several sizes."""
    found: dict[int, list[list[Span]]] = {}
    for trace, server in spans(population, "inventory", "POST /reservations", "server"):
        lines = lines_of(trace)
        alike = most_alike(statements_below(trace, server))
        if lines >= MANY and len(alike) == lines:
            found.setdefault(lines, []).append(alike)
    if len(found) < 2:
        return Proof(f"the number of statements follows the cart's lines in {len(found)} sizes of cart: two are needed")
    sizes = ", ".join(f"{len(each[0])} of {lines} lines" for lines, each in sorted(found.items()))
    most = found[max(found)]
    return Proof(f"{most[0][0].name}: {sizes}", [span for each in most for span in each])


def lines_of(trace: Trace) -> int:
    """How many lines the order of a trace has; 0 without an order."""
    return max((int(span.attributes.get("order.item_count", 0)) for span in trace.spans), default=0)


def most_alike(statements: list[Span]) -> list[Span]:
    """The statements of the name that is there most, if none of them overlaps another."""
    names: dict[str, list[Span]] = {}
    for span in statements:
        names.setdefault(span.name, []).append(span)
    most = max(names.values(), key=len, default=[])
    return most if one_after_the_other(most) else []


SCENARIO = Scenario(
    name="n-plus-one",
    title="A statement for each line of the cart",
    audience="customers",
    page="Large orders are slow; with three articles in the cart nobody can see anything.",
    over="A cart of twenty lines takes hardly longer than one of three.",
    changes=lambda: [patching.named("inventory", "n-plus-one")],
    cures=["roll the release of inventory back: one statement for all lines"],
    signature=signature,
    diagnosis="(N+1): inventory SELECT stock_movement",
    diagnosis_of_one="(N+1): inventory SELECT stock_movement",
    traffic=Traffic(carts=(3, 8, 14, 20)),
)
