"""What a person sees of the worker: the traces of its settlements, and what it has set aside."""

import uuid

from tests.integration.conftest import Eventually, FragileStack
from tests.integration.shape import title
from workshop.traces.model.trace import Trace


def settlements(stack: FragileStack, order_id: str) -> list[Trace]:
    """The traces of the attempts to settle an order, the first one first."""
    found = stack.jaeger.search(service="order-worker", limit=200)
    traces = [stack.jaeger.get_trace(summary.trace_id) for summary in found]
    mine = [
        each for each in traces if each.root.name == "SettleOrder" and each.root.attributes.get("order.id") == order_id
    ]
    return sorted(mine, key=lambda trace: trace.root.start)


def test_a_settlement_leads_back_to_its_checkout(sound: FragileStack, eventually: Eventually) -> None:
    """One that failed has status ERROR and says why; each links to the checkout's ProcessOrder, in another trace."""
    sound.stop("provider")
    try:
        answer = sound.checkout()
        order_id = answer.json()["order_id"]
        assert answer.json()["order_status"] == "pending"
        eventually("a settlement has failed", lambda: settlements(sound, order_id))
    finally:
        sound.start("provider")
    (failed,) = settlements(sound, order_id)
    assert failed.root.is_error
    assert [event.attributes["exception.type"] for event in failed.root.events] == ["common.errors.Problem"]
    sound.let_time_pass()
    eventually("a settlement has succeeded", lambda: len(settlements(sound, order_id)) == 2)
    checkout = sound.trace(answer.json()["trace_id"], 8)
    (process,) = [span for span in checkout.spans if span.name == "ProcessOrder"]
    for each in settlements(sound, order_id):
        assert [(link.trace_id, link.span_id) for link in each.root.links] == [(checkout.trace_id, process.span_id)]
        assert each.trace_id != checkout.trace_id
    last = settlements(sound, order_id)[-1]
    assert not last.root.is_error
    assert [title(span) for span in last.children(last.root)] == [
        "order-worker POST",
        "order-worker DELETE",
        "order-worker UPDATE orders",
    ]


def test_a_dead_letter_is_seen(sound: FragileStack, eventually: Eventually) -> None:
    """The audit counts it and says what to do, the status says that it is there; tried again, it is gone."""
    order_id = sound.checkout(("SKU-00007", 1)).json()["order_id"]
    with sound.orders() as connection:
        announced = "SELECT 1 FROM orders WHERE id = %s AND announced_at IS NOT NULL"
        eventually("it is announced", lambda: connection.execute(announced, (order_id,)).fetchone())
        connection.execute("UPDATE orders SET announced_at = NULL WHERE id = %s", (order_id,))
        connection.execute(
            "INSERT INTO outbox (topic, order_id, headers) VALUES ('order.confirmed', %s, '[]')", (order_id,)
        )
        aside = "SELECT 1 FROM outbox WHERE set_aside_at IS NOT NULL"
        eventually("it is set aside", lambda: connection.execute(aside).fetchone())
    assert "dead letters: 1 (make dead-letters tells why, make retry tries again)" in sound.must("status")
    audit = sound.spans("audit")
    assert audit.returncode == 1
    assert f"about order {order_id}: set aside after 5 attempts: ValueError: its headers are no object" in audit.stdout
    assert "what to do: put right what the reason names" in audit.stdout
    with sound.orders() as connection:
        connection.execute("UPDATE outbox SET headers = '{}' WHERE order_id = %s", (order_id,))
        assert "1 messages and 0 orders are tried again now" in sound.must("retry")
        eventually("it is announced", lambda: connection.execute(announced, (order_id,)).fetchone())
    assert "dead letters: none" in sound.must("status")


def test_a_key_that_is_an_orders_id(sound: FragileStack, eventually: Eventually) -> None:
    """A customer who reuses the id of an order that timed out as a key stops nobody."""
    tried: list[dict[str, str]] = []

    def timed_out() -> str | None:
        # The provider takes 400. On a busy machine nothing is begun in that time now and then.
        answer = sound.checkout(**{"X-Timeout-Ms": "350", "Idempotency-Key": str(uuid.uuid4())})
        tried.append(answer.json())
        return tried[-1].get("order_id")

    eventually("an order has timed out", timed_out)
    order_id = tried[-1]["order_id"]
    assert sound.checkout(**{"Idempotency-Key": order_id}).status_code == 201
    with sound.orders() as connection:
        decided = "SELECT 1 FROM orders WHERE id = %s AND status <> 'pending'"
        eventually("the order is decided", lambda: connection.execute(decided, (order_id,)).fetchone())
