"""The service map: who calls whom, and where the time went."""

from typing import Any

import pytest

from tests.unit.console.conftest import SLOW, START
from tests.unit.console.console_traces import checkout, document, repeats, span
from workshop.console.service_map import from_traces, strange_versions
from workshop.traces.sources.files import traces_of


def test_the_map_follows_a_message_to_the_trace_of_its_consumer() -> None:
    """A consumer in a trace of its own is connected to its producer by the link."""
    sent = span("1" * 32, 1, 0, "send", 4, START, START + 10**6)
    handled = span(
        "2" * 32, 2, 0, "process", 5, START, START + 10**7, links=[{"traceId": "1" * 32, "spanId": f"{1:016x}"}]
    )
    found = from_traces(traces_of(document({"order": [sent], "worker": [handled]})))
    assert [(edge.parent, edge.child, edge.message, edge.p50) for edge in found.edges] == [
        ("order", "worker", True, 10)
    ]


def test_a_message_whose_sender_is_not_in_the_sample_comes_from_who_sends_there() -> None:
    """The sampled worker handles another checkout's message: it went through the same queue."""
    topic = {"messaging.destination.name": "order.confirmed"}
    sent = span("1" * 32, 1, 0, "send", 4, START, START + 10**6, attributes=topic)
    link = [{"traceId": "9" * 32, "spanId": f"{7:016x}"}]
    handled = span("2" * 32, 2, 0, "process", 5, START, START + 10**7, attributes=topic, links=link)
    other = span("3" * 32, 3, 0, "process", 5, START, START + 10**7, links=link)
    found = from_traces(traces_of(document({"order": [sent], "worker": [handled], "stranger": [other]})))
    assert [(edge.parent, edge.child, edge.message) for edge in found.edges] == [("order", "worker", True)]


@pytest.mark.parametrize(
    ("versions", "strange"),
    [
        ({"gateway": "1", "order": "1", "inventory": "1+x"}, {"inventory": "1+x"}),
        (
            {"gateway": "1", "order": "1+y", "inventory": "1+x", "payment": "1", "worker": "1"},
            {"order": "1+y", "inventory": "1+x"},
        ),
        ({"gateway": "1", "order": "1", "inventory": "1"}, {}),
        ({"gateway": "1", "order": "2"}, {}),  # a system whose services are released one by one
        ({"gateway": "1", "order": "2", "inventory": "3", "payment": "1"}, {}),
        ({"gateway": "1"}, {}),
        ({}, {}),
    ],
)
def test_a_version_is_told_where_it_is_another_than_most_have(
    versions: dict[str, str], strange: dict[str, str]
) -> None:
    """Nobody tells the map what was delivered: the others do."""
    assert strange_versions(versions) == strange


def test_a_node_has_the_version_that_its_latest_span_told() -> None:
    """A service that was rolled back meanwhile is as the others."""
    traces = []
    for number, version in enumerate(("1+x", "1")):
        start = START + number * 10**9
        for service in ("a", "b", "c"):
            made = document({service: [span(f"{number}{service}" * 16, 1, 0, "x", 2, start, start + 10**6)]})
            for each in made["resourceSpans"]:
                told = version if service == "c" else "1"
                each["resource"]["attributes"].append({"key": "service.version", "value": {"stringValue": told}})
            traces += traces_of(made)
    assert {key: node.version for key, node in from_traces(traces[:3]).nodes.items()} == {"a": "", "b": "", "c": "1+x"}
    assert {node.version for node in from_traces(traces).nodes.values()} == {""}
    assert {node.version for node in from_traces(reversed(traces)).nodes.values()} == {""}


def call(number: int, to: str, status: int, **attributes: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A root that calls an address, and the call: with status 2 it failed."""
    trace_id = str(number) * 32
    known = {"url.full": f"http://{to}/charges", **attributes}
    root = span(trace_id, 10 * number, 0, "root", 2, START, START + 10**7)
    client = span(trace_id, 10 * number + 1, 10 * number, "POST", 3, START, START + 10**7, attributes=known)
    return root, {**client, "status": {"code": status}}


def test_a_service_that_was_away_is_no_stranger() -> None:
    """Where it answered in one trace, a call that reached nobody in another was meant for it, too."""
    root, client = call(1, "127.0.0.1:8083", 0)
    answer = span("1" * 32, 12, 11, "POST /charges", 2, START, START + 10**6)
    away = call(2, "127.0.0.1:8083", 2)
    found = from_traces(traces_of(document({"order": [root, client, *away], "payment": [answer]})))
    assert sorted(found.nodes) == ["order", "payment"]
    assert [(edge.parent, edge.child, edge.calls, edge.errors) for edge in found.edges] == [("order", "payment", 2, 1)]


def test_what_never_answered_is_said_to_be_so() -> None:
    """Not traced is what answers and has no spans."""
    nobody = from_traces(traces_of(document({"order": [*call(1, "10.0.0.1:1", 2)]})))
    assert [node.what for node in nobody.nodes.values() if node.kind == "outside"] == ["no answer"]
    found = from_traces(traces_of(document({"order": [*call(1, "10.0.0.1:1", 0, **{"http.status_code": "200"})]})))
    assert [node.what for node in found.nodes.values() if node.kind == "outside"] == ["not traced"]


def test_a_call_that_its_caller_alone_calls_failed_counts_as_failed() -> None:
    """By the conventions a 402 is an error of the client's span and none of the server's."""
    root, client = call(1, "127.0.0.1:8083", 2)
    answer = span("1" * 32, 12, 11, "POST /charges", 2, START, START + 10**6)
    (edge,) = from_traces(traces_of(document({"order": [root, client], "payment": [answer]}))).edges
    assert edge.errors == 1


def test_the_map_adds_up_a_trace_s_calls_to_a_database() -> None:
    """Of eight quick statements the sum counts: it is what the trace spent there."""
    found = from_traces(traces_of(repeats(SLOW, START)))
    edge = next(edge for edge in found.edges if found.nodes[edge.child].kind == "database")
    assert (edge.calls, edge.p50) == (8, 72)


def test_the_hot_node_is_where_the_time_was_spent() -> None:
    """Time of a statement counts for the database, not for the service that waited."""
    found = from_traces(traces_of(checkout(SLOW, START, 812)))
    hot = next(node for node in found.nodes.values() if node.hot)
    assert (hot.name, hot.kind) == ("inventory", "database")
    assert sum(node.share for node in found.nodes.values()) == pytest.approx(1)


def test_a_cache_is_known_by_its_address() -> None:
    """It has no database's name: the one that PEER_NAMES gives it stands there, and what it is below."""
    trace_id, known = "1" * 32, {"db.system.name": "redis", "server.address": "127.0.0.1", "server.port": 6380}
    root = span(trace_id, 1, 0, "POST /checkout", 2, START, START + 10**7)
    lookup = span(trace_id, 2, 1, "MGET", 3, START, START + 10**6, attributes=known)
    traces = document({"gateway": [root, lookup]})
    (node,) = [
        each
        for each in from_traces(traces_of(traces), peers={"127.0.0.1:6380": "valkey"}).nodes.values()
        if each.kind == "database"
    ]
    assert (node.name, node.what) == ("valkey", "redis")
    assert [n.name for n in from_traces(traces_of(traces)).nodes.values() if n.kind == "database"] == ["redis"]
