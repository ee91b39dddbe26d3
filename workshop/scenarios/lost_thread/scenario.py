"""Work is handed to a thread, and its context is not."""

from workshop.changes.kinds import Release
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import LEAST, beginning_at, spans, within


def signature(population: Population) -> Proof:
    """Traces that begin with a CLIENT span of order's, each in the time of a ProcessOrder of another trace."""
    strangers = beginning_at(population, "order", "client")
    orders = [span for _, span in spans(population, "order", "ProcessOrder")]
    found = [(one, other) for one in strangers for other in orders if within(one, other)]
    if len(found) < LEAST:
        return Proof(f"{len(found)} traces begin with a call of order's in the time of an order")
    stranger, order = found[0]
    told = f"{len(found)} traces begin with a CLIENT span of order's, each in the time of an order's ProcessOrder"
    return Proof(f"{told}: {stranger.trace_id} belongs to {order.trace_id}", [span for pair in found for span in pair])


SCENARIO = Scenario(
    name="lost-thread",
    title="The call to inventory is made by another thread, without its context",
    audience="on-call",
    page="Nothing is slow. Since the last release of order a checkout's trace has no inventory in it.",
    over="A checkout is one trace again, and no trace begins with a call.",
    changes=lambda: [Release(service="order", name="lost-thread", patch="workshop/scenarios/lost_thread/order.patch")],
    cures=[
        "roll the release of order back",
        "hand the context on with the work: copy_context().run, or OpenTelemetry's threading instrumentation",
    ],
    signature=signature,
    diagnosis="lost context",
    look_alikes={
        "lost-header": "there the new root is a SERVER span of the next service, the call is in the old trace",
    },
)
