"""Where the commands take traces from."""

from typing import Any

import pytest

from tests.unit.traces.trace_shapes import T0, call, checkout, server, trace
from workshop.shop import history, recent
from workshop.traces.model.trace import Trace
from workshop.traces.sources import fetching
from workshop.traces.sources.jaeger import TraceNotFound, TraceTimeout
from workshop.traces.sources.summaries import summarise


class FakeClient:
    """A Jaeger in memory; it notes what was searched."""

    def __init__(self, *traces: Trace, services: list[str] | None = None) -> None:
        self.traces = {each.trace_id: each for each in traces}
        self.known = services or sorted({service for each in traces for service in each.services})
        self.searched: list[str] = []

    def services(self) -> list[str]:
        """The services' names."""
        return self.known

    def search(self, service: str, operation: str | None = None, **_: Any) -> list[Any]:
        """All traces with the service, newest first."""
        self.searched.append(service)
        found = [summarise(each) for each in self.traces.values() if service in each.services]
        return sorted(found, key=lambda summary: -summary.start)

    def get_trace(self, trace_id: str) -> Trace:
        """The trace."""
        if trace_id not in self.traces:
            raise TraceNotFound(trace_id)
        return self.traces[trace_id]

    def wait_for_trace(self, trace_id: str, **_: Any) -> Trace:
        """Never gets what it waits for."""
        raise TraceTimeout(trace_id)


def fetched(client: FakeClient, trace_id: str) -> Trace:
    """The trace as the commands get it."""
    return fetching.fetch(client, trace_id)  # type: ignore[arg-type]


@pytest.fixture
def lost() -> tuple[Trace, Trace]:
    """A checkout whose header was dropped, and the trace in which the callee ended up."""
    made = trace(server("gateway", "POST /checkout", 0, 200, call("gateway", "POST http://order:81/orders", 1, 190)))
    return made, trace(server("order", "POST /orders", 5, 180), trace_id="b" * 32)


def test_a_callee_is_looked_for_by_the_host_that_was_called(lost: tuple[Trace, Trace]) -> None:
    """Of many services only the one named like the host is asked."""
    client = FakeClient(*lost, services=[f"s{n}" for n in range(200)] + ["order"])
    found = fetching.related(client, lost[0])  # type: ignore[arg-type]
    assert [each.trace_id for each in found] == ["b" * 32] and client.searched == ["order"]


def test_where_no_service_has_the_hosts_name_few_services_are_all_asked(lost: tuple[Trace, Trace]) -> None:
    """On one machine every host is 127.0.0.1."""
    lost[0].spans[1].attributes["url.full"] = "http://127.0.0.1:8081/orders"
    assert len(fetching.related(FakeClient(*lost), lost[0])) == 1  # type: ignore[arg-type]
    many = FakeClient(*lost, services=[f"s{n}" for n in range(200)])
    assert fetching.related(many, lost[0]) == [] and many.searched == []  # type: ignore[arg-type]


def test_a_trace_without_open_calls_needs_no_search() -> None:
    """Nothing is asked where every call was answered."""
    made = trace(server("a", "GET /", 0, 9, call("a", "GET http://b/", 1, 7, server("b", "GET /", 2, 5))))
    client = FakeClient(made)
    assert fetching.related(client, made) == [] and client.searched == []  # type: ignore[arg-type]


def test_the_newest_checkouts_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Jaeger lists and what was noted here are one list."""
    made = [checkout(trace_id=f"{n:032x}") for n in (1, 2)]
    for span in made[1].spans:
        span.start += 10**9
    monkeypatch.setattr(history, "entries", lambda: [{"kind": "checkout", "trace_id": "3" * 32, "time": T0 / 1e9 + 9}])
    found = recent.last_checkouts(FakeClient(*made), 5)  # type: ignore[arg-type]
    assert found == ["3" * 32, f"{2:032x}", f"{1:032x}"]


def test_an_old_trace_is_not_waited_for() -> None:
    """An orphan of yesterday will get no parent."""
    made = trace(server("a", "GET /", 0, 9, parent_id="00000000000000ff"))
    assert fetched(FakeClient(made), made.trace_id) is made


def test_a_fresh_trace_that_stays_broken_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some waiting what came is better than nothing."""
    made = trace(server("a", "GET /", 0, 9, parent_id="00000000000000ff"))
    monkeypatch.setattr("time.time", lambda: made.end / 1e9)
    assert fetched(FakeClient(made), made.trace_id) is made


def test_a_call_of_just_now_may_still_be_answered(lost: tuple[Trace, Trace], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its callee's spans come within a second, or it has none."""
    made, _ = lost
    for age, settled in [(0.0, False), (0.9, False), (1.1, True), (-5.0, True)]:  # the last: our clock is behind
        monkeypatch.setattr("time.time", lambda age=age: made.end / 1e9 + age)
        assert fetching.settled(made) == settled


def test_a_trace_that_nobody_heard_of_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an id that was just given out here is worth waiting for."""
    monkeypatch.setattr(history, "entries", lambda: [])
    with pytest.raises(TraceNotFound):
        fetched(FakeClient(checkout()), "f" * 32)
