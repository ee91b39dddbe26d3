"""Messages that wait, and messages that fail: Kafka with Java, RabbitMQ with .NET."""

from typing import Any

from tests.unit.traces.diagnosis.population.crowds import found, many, together
from tests.unit.traces.trace_shapes import Node, exception, link, server, span
from workshop.traces.model.trace import Trace

SENT = "0000000000000002"  # the second span of each sender's trace


def sent(number: int, every: float = 100) -> list[Trace]:
    """Requests that publish a message each."""

    def one(each: int) -> Node:
        start = every * each
        named = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
        publish = span("shop", "orders publish", start + 5, 5, kind="producer", attributes=named)
        return server("shop", "POST /orders", start, 20, publish)

    return many(number, one)


def taken(number: int, delay: float, growth: float, work: float = 5, every: float = 100, **more: Any) -> list[Trace]:
    """Their consumers, each so much later than the one before."""

    def one(each: int) -> Node:
        named = {"messaging.system": "kafka", "messaging.operation": "process"}
        return span(
            "mailer", "orders process", every * each + 10 + delay + growth * each, work, kind="consumer",
            attributes=named, links=link(f"{each + 1:032x}", SENT), **more,
        )  # fmt: skip

    return many(number, one, first=1000)


def test_a_consumer_that_falls_behind() -> None:
    """Each message waits longer than the one before, while the consumer is idle: told on both sides."""
    mine, others = sent(12), taken(12, 100, 400)
    for told in (together(mine, others), together(others, mine)):
        assert told.problems[0].rule == "queue" and "messages wait longer and longer" in told.verdict
        assert "how often it asks" in told.problems[0].advice


def test_a_consumer_that_has_too_much_to_do() -> None:
    """It works all of the time: more of it is needed."""
    told = together(taken(12, 100, 400, work=480), sent(12))
    assert told.problems[0].rule == "queue" and "more consumers" in told.problems[0].advice


def test_a_delay_that_does_not_grow() -> None:
    """Three seconds for each message, as somebody set it."""
    assert found(together(sent(12), taken(12, 3000, 0)), "queue") is None


def attempts(number: int, *, succeeds: bool = False, message: str = "m-7") -> list[Trace]:
    """A RabbitMQ consumer's attempts at one message."""

    def one(each: int) -> Node:
        good = succeeds and each == number - 1
        named = {"messaging.system": "rabbitmq", "messaging.message.id": message}
        failed = {} if good else {"status": "error", "events": exception("System.FormatException", "no such date")}
        return span("mailer", "orders process", 500.0 * each, 5, kind="consumer", attributes=named, **failed)

    return many(number, one, first=1000)


def test_a_message_that_fails_again_and_again() -> None:
    """With those that were sent meanwhile and nobody took."""
    told = together(attempts(5), sent(8))
    assert told.problems[0].rule == "poison"
    assert "took message m-7 5 times, and failed each time (no such date)" in told.verdict
    assert "messages sent meanwhile wait behind it" in told.verdict and found(told, "error") is None


def test_others_come_past_it() -> None:
    """As where it is set aside for a while."""
    told = together(attempts(5), [*sent(8), *taken(8, 50, 0, every=200)])
    assert told.problems[0].rule == "error" or "came past it" in told.verdict


def test_a_message_that_is_delivered_in_the_end() -> None:
    """Two failures, and then it worked."""
    assert found(together(attempts(4, succeeds=True)), "poison") is None


def test_messages_that_fail_each_once() -> None:
    """Something else is wrong with the consumer: its errors are the finding."""
    one_each = [trace for n in range(5) for trace in attempts(1, message=f"m-{n}")]
    told = together(one_each[:1] + attempts(1, message="m-9"))
    assert found(told, "poison") is None and told.problems[0].rule == "error"
