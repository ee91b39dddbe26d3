"""One message can never be delivered, and the others wait behind it."""

from collections import defaultdict

from workshop.changes.kinds import Data, Release
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import LEAST, spans
from workshop.traces.model.trace import Span

# About an order that is not there: what is left of one that somebody deleted by hand.
LEFT = """
INSERT INTO outbox (topic, order_id, headers)
VALUES ('order.confirmed', '00000000-0000-4000-8000-00000000dead', '{}')
"""
TAKEN_OUT = "DELETE FROM outbox WHERE order_id = '00000000-0000-4000-8000-00000000dead'"
# So often the same message fails before it is more than bad luck.
AGAIN = 3


def signature(population: Population) -> Proof:
    """One message fails again and again; of those that were sent after its first failure none is delivered."""
    tried: dict[str, list[Span]] = defaultdict(list)
    for _, span in spans(population, "order-worker", "process ", "consumer"):
        tried[str(span.attributes.get("messaging.message.id", ""))].append(span)
    poison = max(tried.values(), key=lambda found: sum(span.is_error for span in found), default=[])
    failed = sorted((span for span in poison if span.is_error), key=lambda span: span.start)
    if len(failed) < AGAIN or len(failed) < len(poison):
        return Proof(f"no message failed more than {len(failed)} times")
    ended = {
        (link.trace_id, link.span_id)
        for found in tried.values()
        for span in found
        if not span.is_error
        for link in span.links
    }
    # What was sent before the last attempt could have been delivered instead of it.
    sent = [
        span
        for _, span in spans(population, "order", "send ", "producer")
        if failed[0].start < span.end < failed[-1].start and not span.is_error
    ]
    behind = [span for span in sent if (span.trace_id, span.span_id) not in ended]
    if len(behind) < LEAST or len(behind) < len(sent):
        return Proof(f"a message failed {len(failed)} times, and {len(behind)} of {len(sent)} sent meanwhile wait")
    number = failed[0].attributes.get("messaging.message.id")
    told = f"message {number} failed {len(failed)} times, and none of the {len(behind)} that were sent meanwhile came"
    return Proof(told, [failed[-1], *failed[:-1], *behind])


SCENARIO = Scenario(
    name="poison-message",
    title="One message can never be delivered, and all others wait behind it",
    audience="customers",
    page="Checkouts are quick. Since some minute nobody gets a confirmation any more.",
    over="A message that cannot be delivered is set aside, and the others are delivered.",
    changes=lambda: [
        Release(
            service="order-worker", name="poison-message", patch="workshop/scenarios/poison_message/order-worker.patch"
        ),
        Data(
            name="message-of-a-deleted-order",
            up=[LEFT],
            down=[TAKEN_OUT],
            database="orders",
        ),
    ],
    cures=[
        "take the message out, and roll the release of the worker back: it sets aside what fails five times",
        "roll the release back alone: the message becomes a dead letter, which make dead-letters shows",
    ],
    signature=signature,
    diagnosis="a message fails again and again",
    diagnosis_of_one="there is no confirmed order",
    traffic=Traffic(users=2, seconds=4.0, messages=True),
    look_alikes={
        "slow-consumer": "there every message is delivered in the end, later and later, and none fails",
    },
)
