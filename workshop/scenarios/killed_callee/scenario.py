"""Inventory is killed in the middle of a reservation, for the memory that it takes."""

from workshop.changes.kinds import Limit, Release
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import calls, longest
from workshop.traces.model.trace import Span, Trace

# Traces with what is left of inventory's work: one may have lost its spans on the way.
LEAST = 2


def signature(population: Population) -> Proof:
    """Order's calls break off without an answer; inventory's span of them never came, some of what is below it did."""
    broken, left = list[Span](), list[Span]()
    answered = 0
    for trace, call in calls(population, "order", "/reservations"):
        if any(child.service == "inventory" for child in trace.children(call)):
            answered += 1
        elif call.is_error and "http.response.status_code" not in call.attributes:
            broken.append(call)
            left += left_behind(trace, call)
    told = (
        f"{len(broken)} of {len(broken) + answered} reservations broke off without an answer or a span of inventory's"
    )
    if len({span.trace_id for span in left}) < LEAST or not answered:
        return Proof(f"{told}, which left {len(left)} others behind")
    longest_call = longest(broken)[0]
    told = f"{told}, the longest after {longest_call.ms:.0f} ms"
    return Proof(f"{told}; {len(left)} statements are left, whose parent never came", [*left, *longest(broken)])


def left_behind(trace: Trace, call: Span) -> list[Span]:
    """Inventory's spans in the time of a call, whose parent is nowhere."""
    mine = [span for span in trace.orphans if span.service == "inventory"]
    return [span for span in mine if call.start <= span.start and span.end <= call.end]


SCENARIO = Scenario(
    name="killed-callee",
    title="Inventory is killed in the middle, for the memory that it takes",
    audience="customers",
    page="Large carts are never bought: the shop asks to try again.",
    over="A cart of fourteen lines is bought like one of three.",
    changes=lambda: [
        Release(service="inventory", name="killed-callee", patch="workshop/scenarios/killed_callee/inventory.patch"),
        Limit(service="inventory", memory_mb=400),
    ],
    cures=["roll the release of inventory back: what was sold, PostgreSQL can add up"],
    signature=signature,
    diagnosis="broken off",
    diagnosis_of_one="broken off",
    traffic=Traffic(users=2, carts=(3, 3, 3, 14), seconds=8.0),
    look_alikes={
        "lost-header": "there no call fails, and the callee's spans begin a trace of their own",
        "timeouts-upside-down": "there the callee's span comes, only later than its caller's",
    },
)
