"""Where a part of a trace may have ended up is looked for, and not again and again."""

import pytest

from tests.unit.traces.sources.test_fetching import FakeClient
from tests.unit.traces.trace_shapes import call, server, trace
from workshop.console.trace import elsewhere
from workshop.console.trace.elsewhere import Elsewhere
from workshop.traces.model.trace import Trace
from workshop.traces.sources.jaeger import JaegerError

LATER = 60.0  # s after the traces had ended


def asking(url: str = "POST http://order:81/orders") -> Trace:
    """A checkout whose call has no answer in it."""
    return trace(server("gateway", "POST /checkout", 0, 200, call("gateway", url, 1, 190)))


def answer() -> Trace:
    """The trace in which the callee of that call ended up."""
    return trace(server("order", "POST /orders", 5, 180), trace_id="b" * 32)


def looking(client: FakeClient, made: Trace, after: float = LATER) -> Elsewhere:
    """With a clock that stands so long after the trace's end."""
    return Elsewhere(client, lambda: made.end / 1e9 + after)  # type: ignore[arg-type]


def test_a_system_outside_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never answers; some seconds later it is asked for again, and another call at once."""
    made, client = asking(), FakeClient(asking(), services=["order", "provider"])
    now = [made.end / 1e9 + LATER]
    monkeypatch.setattr(elsewhere, "MOST_KEPT", 1)
    found = Elsewhere(client, lambda: now[0])  # type: ignore[arg-type]
    assert [found.of(made) for _ in range(3)] == [[]] * 3
    assert client.searched == ["order"]
    found.of(asking("POST http://provider:84/v1/charges"))
    assert client.searched == ["order", "provider"]
    now[0] += elsewhere.AGAIN_SECONDS
    found.of(made)
    assert client.searched == ["order", "provider", "order"]
    found.of(asking("POST http://provider:84/v1/charges"))
    found.of(made)
    assert client.searched[3:] == ["provider", "order"]


def test_a_callee_that_is_found_is_found_each_time() -> None:
    """A lost header is told on every look at the page."""
    made, client = asking(), FakeClient(asking(), answer())
    found = looking(client, made)
    assert [[each.trace_id for each in found.of(made)] for _ in range(2)] == [["b" * 32]] * 2


def test_what_is_on_its_way_was_not_looked_for_in_vain() -> None:
    """The callee's spans come some tenths of a second later: the next look finds them."""
    made, client = asking(), FakeClient(asking(), services=["order"])
    found = looking(client, made, after=0.3)
    assert found.of(made) == []
    client.traces["b" * 32] = answer()
    assert [each.trace_id for each in found.of(made)] == ["b" * 32]


def test_a_search_that_fails_costs_neither_the_page_nor_the_next_look() -> None:
    """Nothing is known then, and nothing is remembered."""
    made, client = asking(), FakeClient(asking(), answer())
    found, services = looking(client, made), client.services

    def away() -> list[str]:
        raise JaegerError("away")

    client.services = away  # type: ignore[method-assign]
    assert found.of(made) == []
    client.services = services  # type: ignore[method-assign]
    assert len(found.of(made)) == 1
