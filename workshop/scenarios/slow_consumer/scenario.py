"""Messages come faster than they are delivered: only the links show it."""

from statistics import median

from workshop.changes.kinds import Release
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.traces.model.trace import Span

LEAST = 6
# By so much later in s the last ones come than the first.
GROWTH_SECONDS = 1.5


def signature(population: Population) -> Proof:
    """From the sender's end to the consumer's start it takes longer from one message to the next; none fails."""
    waits = delays(population)
    if len(waits) < LEAST:
        return Proof(f"{len(waits)} messages were delivered")
    quarter = max(2, len(waits) // 4)
    first, last = (median(wait for wait, _ in part) for part in (waits[:quarter], waits[-quarter:]))
    failed = sum(span.is_error for _, span in waits)
    if last - first < GROWTH_SECONDS or failed:
        return Proof(f"messages wait {first:.1f} s, then {last:.1f} s, and {failed} fail")
    told = f"{len(waits)} messages waited {first:.1f} s first and {last:.1f} s in the end; none failed"
    return Proof(told, [span for _, span in reversed(waits)])


def delays(population: Population) -> list[tuple[float, Span]]:
    """How long each message waited, in s, with its consumer's span; in the order in which they were sent."""
    sent = {
        (span.trace_id, span.span_id): span.end
        for trace in population.traces
        for span in trace.spans
        if span.kind == "producer"
    }
    found = [
        (sent[link.trace_id, link.span_id], span)
        for trace in population.traces
        for span in trace.spans
        if span.kind == "consumer"
        for link in span.links
        if (link.trace_id, link.span_id) in sent
    ]
    return [((span.start - end) / 1e9, span) for end, span in sorted(found, key=lambda pair: pair[0])]


SCENARIO = Scenario(
    name="slow-consumer",
    title="The worker looks for one message a second",
    audience="customers",
    page="Checkouts are quick. Confirmations come later and later.",
    over="A message waits no longer than the one before it.",
    changes=lambda: [
        Release(
            service="order-worker", name="slow-consumer", patch="workshop/scenarios/slow_consumer/order-worker.patch"
        )
    ],
    cures=["roll the release of the worker back: every commit wakes it, and it works until nothing is left"],
    signature=signature,
    diagnosis="messages wait longer and longer",
    # More messages than the worker takes, for long enough: what waits from one look counts against the next.
    alone=True,
    traffic=Traffic(users=2, seconds=10.0, pause=0.5, messages=True),
    look_alikes={"poison-message": "there one fails again and again, and the others wait behind it"},
)
