"""A span around every helper function."""

from workshop.changes.kinds import Release
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import LEAST, checkouts
from workshop.traces.model.trace import Span, Trace

MANY = 20
# Of the trace's spans, and of its time.
MOST_SPANS = 0.5
HARDLY_TIME = 0.2


def signature(population: Population) -> Proof:
    """Most spans of a checkout are one service's, of kind INTERNAL, without an attribute, and take hardly any time."""
    found = [noise for trace in checkouts(population) if (noise := hums(trace))]
    if len(found) < LEAST:
        return Proof(f"{len(found)} checkouts have more spans that tell nothing than others")
    most = max(found, key=len)
    told = f"{len(most)} spans of {most[0].service} tell nothing: no attribute, {sum(span.ms for span in most):.1f} ms"
    return Proof(f"{told} together", most)


def hums(trace: Trace) -> list[Span]:
    """The spans of a trace that nobody would ever search for, where they are most of it."""
    bare = [span for span in trace.spans if span.kind == "internal" and not span.attributes and not span.is_error]
    took = sum(span.duration for span in bare if not trace.children(span))
    if len(bare) < MANY or len(bare) < MOST_SPANS * len(trace) or took > HARDLY_TIME * trace.duration:
        return []
    return bare


SCENARIO = Scenario(
    name="noise",
    title="Every helper function of inventory has a span",
    audience="the bill",
    page="The bill for traces has doubled since Monday. Nothing is slower, nothing else is different.",
    over="A checkout has as many spans as it had.",
    changes=lambda: [Release(service="inventory", name="noise", patch="workshop/scenarios/noise/inventory.patch")],
    cures=["roll the release of inventory back: a span for what leaves the process, or what somebody searches for"],
    signature=signature,
    diagnosis="noise: ",
    diagnosis_of_one="noise: ",
    traffic=Traffic(carts=(3, 8)),
    look_alikes={"n-plus-one": "there each of the many spans is a statement, here none leaves the process"},
)
