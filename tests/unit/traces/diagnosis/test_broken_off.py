"""Calls that broke off without an answer: a callee that was killed, a connection that was closed, in many words."""

import pytest

from tests.unit.traces.trace_shapes import Node, call, exception, server, span, sql, trace
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.diagnosis.findings import Diagnosis, Finding
from workshop.traces.model.trace import Trace

RESET = "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"


def broken(*below: Node, ms: float = 1200, kind: str = "ConnectionError", message: str = RESET) -> Node:
    """A call without an answer."""
    found = call("order", "POST http://stock/reservations", 10, ms, *below, status=None)
    found.fields |= {"status": "error", "events": exception(kind, message, 10 + ms)}
    return found


def shop(*below: Node, status: int = 503, trace_id: str = "1" * 32) -> Trace:
    """An order that failed of it, or was answered all the same."""
    return trace(server("order", "POST /orders", 0, 1300, *below, status=status), trace_id=trace_id)


def of_rule(found: Diagnosis, rule: str = "broken-off") -> list[Finding]:
    """Its findings."""
    return [finding for finding in found.findings if finding.rule == rule]


def killed(trace_id: str = "1" * 32) -> Trace:
    """The callee's process had sent a statement before it died, and not the span above that."""
    left = sql("stock", "SELECT product", 20, 4)
    whole = shop(broken(server("stock", "POST /reservations", 12, 1100, left)), trace_id=trace_id)
    return Trace(span for span in whole.spans if span.kind != "server" or span.service == "order")


def test_what_is_left_of_a_killed_callee() -> None:
    """It is said before the error, and nothing is said of a hop between the two that would not send its spans."""
    found = diagnose(killed())
    (told,) = of_rule(found)
    assert found.problems[0] is told
    assert "broke" in told.title and "after 1.20 s: Remote end closed connection without response" in told.title
    assert "stock's span of it never came, SELECT product below it did" in told.title
    assert "137" in told.advice and "stock" in told.advice
    assert not of_rule(found, "orphans") and not of_rule(found, "external-call")


def test_two_of_many_are_a_problem() -> None:
    """Others were answered: whoever is killed now and then is not half of the traces."""
    well = [
        trace(server("order", "POST /orders", 0, 60, call("order", "POST http://stock/reservations", 10, 40,
              server("stock", "POST /reservations", 12, 36))), trace_id=f"{number:032x}")
        for number in range(10, 18)
    ]  # fmt: skip
    found = diagnose_many([*well, killed(f"{20:032x}"), killed(f"{21:032x}")])
    assert found.problems[0].rule == "broken-off" and "(in 2 of 10 traces)" in found.verdict


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("ConnectionResetError", "[Errno 104] Connection reset by peer"),
        ("aiohttp.client_exceptions.ServerDisconnectedError", "Server disconnected"),
        ("httpx.RemoteProtocolError", "Server disconnected without sending a response."),
        ("Error", "socket hang up"),
        ("ECONNRESET", "read ECONNRESET"),
        ("SocketError", "other side closed"),
        ("*url.Error", 'Post "http://stock/reservations": EOF'),
        ("*net.OpError", "read tcp 10.0.0.7:4711->10.0.0.8:80: read: connection reset by peer"),
        ("java.net.SocketException", "Connection reset"),
        ("reactor.netty.http.client.PrematureCloseException", "Connection prematurely closed BEFORE response"),
        ("java.io.IOException", "unexpected end of stream on http://stock/..."),
        ("System.Net.Http.HttpIOException", "The response ended prematurely. (ResponseEnded)"),
        ("System.IO.IOException", "An existing connection was forcibly closed by the remote host."),
        ("EOFError", "end of file reached"),
        ("GuzzleHttp\\Exception\\ConnectException", "cURL error 52: Empty reply from server"),
    ],
)
def test_in_the_words_of_many_clients(kind: str, message: str) -> None:
    """Nothing is left of the callee's work: who died, or hung up, is said to be the other end."""
    found = diagnose(shop(broken(kind=kind, message=message)))
    assert found.problems[0].rule == "broken-off" and "the other end died" in found.problems[0].advice


def test_by_the_type_of_the_error_alone() -> None:
    """The conventions ask for error.type, and for no event."""
    one = call("order", "GET http://stock/products", 10, 800, status=None, attributes={"error.type": "ECONNRESET"})
    one.fields["status"] = "error"
    assert of_rule(diagnose(shop(one)))


def test_grpc_unavailable_while_the_transport_closed() -> None:
    """UNAVAILABLE with a reason is no answer of the callee's; one without may be."""
    pay = {"rpc.system": "grpc", "rpc.service": "Pay", "rpc.method": "Charge", "rpc.grpc.status_code": 14}
    closed, busy = (
        span("order", "Pay/Charge", 10, 900, kind="client", status="error", attributes=pay, status_message=message)
        for message in ("transport is closing", "queue is full")
    )
    assert of_rule(diagnose(shop(closed))) and not of_rule(diagnose(shop(busy)))


@pytest.mark.parametrize("message", ["Connection refused", "Read timed out. (read timeout=3)", "Max retries exceeded"])
def test_what_was_never_begun_or_took_too_long_is_something_else(message: str) -> None:
    """Refused, or given up by the caller: the connection did not break."""
    assert not of_rule(diagnose(shop(broken(message=message))))


def test_the_callee_answered() -> None:
    """A 502 of a callee's that says what happened to its own call, and a callee whose span came."""
    answered = broken()
    answered.fields["attributes"] = answered.fields.get("attributes", {}) | {"http.response.status_code": 502}
    assert not of_rule(diagnose(shop(answered)))
    assert not of_rule(diagnose(shop(broken(server("stock", "POST /reservations", 12, 1100)))))


def test_at_once_it_may_have_been_a_kept_connection() -> None:
    """Nobody began anything; a second try that went well makes it no failure, but it is told."""
    again = call("order", "POST http://stock/reservations", 20, 40, server("stock", "POST /reservations", 22, 36))
    found = diagnose(shop(broken(ms=1.5), again, status=201))
    (told,) = of_rule(found)
    assert "kept" in told.advice and told.weight < 1
