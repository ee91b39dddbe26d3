"""Who received what a trace sent."""

from typing import Any

from tests.unit.traces.trace_shapes import T0, link, server, span, trace
from workshop.traces.model.trace import Trace
from workshop.traces.sources.jaeger import JaegerClient, TraceNotFound
from workshop.traces.sources.receivers import MOST_FETCHED, receivers
from workshop.traces.sources.summaries import Operation, TraceSummary, summarise

SENT = T0 / 1e9
NOW = SENT + 3_600
SENDER = "a" * 32
TOPIC = {"messaging.destination.name": "order.confirmed"}


def checkout() -> Trace:
    """A trace that sends one message."""
    sending = span("order", "send order.confirmed", 5, 2, kind="producer", attributes=TOPIC)
    return trace(server("order", "POST /orders", 0, 10, sending), trace_id=SENDER)


def handling(number: int, after_ms: float, sender: str = SENDER) -> Trace:
    """A worker's trace that handles a message so long after the sending."""
    handled = span(
        "worker", "process order.confirmed", after_ms, 3, kind="consumer", attributes=TOPIC,
        links=link(sender, f"{2:016x}"),
    )  # fmt: skip
    return trace(handled, trace_id=f"{number:032x}")


class Jaeger(JaegerClient):
    """Answers from the traces that it was given, and counts what it is asked."""

    def __init__(self, *traces: Trace) -> None:
        super().__init__("http://127.0.0.1:1")
        self.traces = {each.trace_id: each for each in traces}
        self.fetched: list[str] = []
        self.dropped: set[str] = set()

    def services(self) -> list[str]:
        """Both of them."""
        return ["order", "worker"]

    def operations(self, service: str) -> list[Operation]:
        """Only the worker receives."""
        return [Operation("process order.confirmed", "consumer")] if service == "worker" else [Operation("x", "server")]

    def search(self, service: str, operation: str | None = None, **how: Any) -> list[TraceSummary]:
        """The newest of the period."""
        assert (service, how["attributes"]) == ("worker", TOPIC)
        found = [summarise(each) for each in self.traces.values()]
        fit = [each for each in found if how["start"] <= each.start / 1e9 <= how["end"]]
        return sorted(fit, key=lambda each: each.start, reverse=True)[: how["limit"]]

    def get_trace(self, trace_id: str) -> Trace:
        """The trace, unless it was dropped."""
        self.fetched.append(trace_id)
        if trace_id in self.dropped:
            raise TraceNotFound(trace_id)
        return self.traces[trace_id]


def test_the_receiver_among_others_is_found() -> None:
    """Soon after the sending or minutes later: the one that links to the sender's span, and no other."""
    others = [handling(n, 20 + n, sender="b" * 32) for n in range(1, 10)]
    for after in (15, 180_000):
        jaeger = Jaeger(*others, handling(77, after))
        (receipt,) = receivers(jaeger, checkout(), NOW)
        assert receipt.receiver.trace_id == f"{77:032x}"
        assert (receipt.sender.name, receipt.receiver.service) == ("send order.confirmed", "worker")


def test_the_search_ends() -> None:
    """Thousands of other messages cost a bounded number of fetches, one that was dropped costs nothing."""
    jaeger = Jaeger(*(handling(n, 10 + n * 40, sender="b" * 32) for n in range(1, 5_000)))
    jaeger.dropped = {f"{3:032x}"}
    assert receivers(jaeger, checkout(), NOW) == []
    assert len(jaeger.fetched) == MOST_FETCHED


def test_what_sends_nothing_is_not_looked_for() -> None:
    """A trace without a producer asks Jaeger for nothing."""
    jaeger = Jaeger(handling(1, 5))
    assert receivers(jaeger, trace(server("order", "GET /", 0, 5)), NOW) == []
    assert jaeger.fetched == []


def test_it_does_not_look_into_the_future() -> None:
    """A trace of a moment ago has no receivers of in five minutes."""
    jaeger = Jaeger(handling(1, 100_000))
    assert receivers(jaeger, checkout(), SENT + 1) == []
