"""An old proxy hands on only the headers that it knows, and traceparent is none of them."""

from workshop.changes import edges
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import LEAST, beginning_at, calls, within

MOST_UNEXPLAINED = 0.2


def signature(population: Population) -> Proof:
    """Calls without a callee, and in the time of each a trace of the callee's own that begins with a SERVER span."""
    unanswered = [(trace, span) for trace, span in calls(population, "order", "/charges") if not trace.children(span)]
    strangers = beginning_at(population, "payment", "server")
    pairs = [(span, stranger) for _, span in unanswered for stranger in strangers if within(stranger, span)]
    if len(pairs) < LEAST or len({id(span) for span, _ in pairs}) < (1 - MOST_UNEXPLAINED) * len(unanswered):
        return Proof(
            f"{len(pairs)} of {len(unanswered)} calls without a callee have a trace of payment's in their time"
        )
    call, stranger = pairs[0]
    told = f"{len(pairs)} calls of order have no callee, and in the time of each payment begins a trace of its own"
    return Proof(f"{told}: {stranger.trace_id} belongs to {call.trace_id}", [span for pair in pairs for span in pair])


SCENARIO = Scenario(
    name="lost-header",
    title="A proxy between order and payment drops traceparent",
    audience="on-call",
    page="Nothing is slow. Since the new network went in, a checkout's trace ends at the order service.",
    over="A checkout is one trace again, from the gateway to the payment.",
    changes=lambda: [edges.between("order", "payment", "proxy")],
    cures=["take the proxy out of the way", "have it hand on traceparent and tracestate"],
    signature=signature,
    diagnosis="lost context",
    look_alikes={
        "lost-thread": "there the new root is a CLIENT span of the one who lost it, here a SERVER span of the next",
        "sampled-away": "there the callee's spans are nowhere, here they are in a trace of their own",
    },
)
