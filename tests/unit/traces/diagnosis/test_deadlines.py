"""Callers that give up first, in gRPC and HTTP, with right clocks and wrong ones; and a database that is not there."""

import pytest

from tests.unit.traces.trace_shapes import call, server, span, sql, trace
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.findings import Diagnosis

PAY = {"rpc.system": "grpc", "rpc.service": "Pay", "rpc.method": "Charge"}


def grpc(code: int | str, went_on: float = 900, theirs: int = 0) -> Diagnosis:
    """A Go client with a deadline of half a second, and what its server did."""
    below = span("pay", "Pay/Charge", 5, went_on, kind="server", attributes=PAY | {"rpc.grpc.status_code": theirs},
                 status="error" if theirs else "unset")  # fmt: skip
    above = span("shop", "Pay/Charge", 2, 500, below, kind="client", status="error",
                 attributes=PAY | {"rpc.grpc.status_code": code})  # fmt: skip
    return diagnose(trace(server("shop", "POST /buy", 0, 504, above, status=504)))


def rules(found: Diagnosis) -> list[str]:
    """The rules that found a problem."""
    return [finding.rule for finding in found.problems]


@pytest.mark.parametrize("code", [4, "DEADLINE_EXCEEDED", 1])
def test_the_callee_went_on_and_succeeded(code: int | str) -> None:
    """What it did is done: said before the error, and what to do about it."""
    found = grpc(code)
    assert rules(found)[0] == "gave-up" and "undone" in found.problems[0].advice
    assert "gave up after 500 ms, but pay Pay/Charge went on for 403 ms more and succeeded" in found.verdict


def test_the_callee_answered_with_an_error() -> None:
    """UNAVAILABLE is an answer, whenever the span of the server ends."""
    assert "gave-up" not in rules(grpc(14))


def test_the_callee_failed_later() -> None:
    """Nothing was done."""
    assert "gave-up" not in rules(grpc(4, theirs=13))


def test_the_callee_ended_with_its_caller() -> None:
    """It got the deadline, and kept to it."""
    assert "gave-up" not in rules(grpc(4, went_on=500))


def http(ms: float, callee: float, ahead: float = 0) -> Diagnosis:
    """A client that was cut off without an answer; the server's clock may be ahead."""
    failed = call("web", "GET http://api/report", 2, ms, server("api", "GET /report", 4 + ahead, callee), status=None)
    failed.fields["status"] = "error"
    return diagnose(trace(server("web", "GET /", 0, ms + 4, failed, status=502)))


def test_the_same_over_http() -> None:
    """No status came back, and the server has one."""
    found = http(1000, 1800)
    assert rules(found)[0] == "gave-up" and "went on for 802 ms more" in found.verdict


def test_a_wrong_clock_makes_nobody_outlive_his_caller() -> None:
    """The server's clock is a minute ahead, and its span is shorter than the call: that is all that is known."""
    assert "gave-up" not in rules(http(1000, 900, ahead=60_000))


def test_a_call_that_was_cut_and_ran_as_long() -> None:
    """The callee ended when the connection did."""
    assert "gave-up" not in rules(http(1000, 997))


def away(message: str, system: str = "redis", ms: float = 2000, failed: bool = True) -> Diagnosis:
    """A command that waits, and then the request goes on."""
    status = {"status": "error", "status_message": message} if failed else {}
    command = span("web", "GET", 2, ms, kind="client", **status,
                   attributes={"db.system": system, "db.statement": "GET ?", "server.address": "cache"})  # fmt: skip
    return diagnose(trace(server("web", "GET /", 0, ms + 300, command, sql("web", "SELECT 1", ms + 5, 3))))


@pytest.mark.parametrize(
    "message",
    [
        "Timeout connecting to server",
        "dial tcp 10.0.0.7:6379: i/o timeout",
        "connect ECONNREFUSED 10.0.0.7:6379",
        "Unable to connect to cache:6379; nested exception is io.netty.channel.ConnectTimeoutException",
        "getaddrinfo ENOTFOUND cache",
    ],
)
def test_a_cache_that_cannot_be_reached(message: str) -> None:
    """Python, Go, Node, Java: no statement is slow, and there is no plan to look at."""
    found = away(message)
    assert (
        rules(found) == ["unreachable"] and "waited in vain: web GET waited 2.00 s for redis at cache" in found.verdict
    )
    assert "the request went on without it" in found.verdict and "circuit breaker" in found.problems[0].advice


def test_a_command_that_was_slow() -> None:
    """It was answered, or only its answer did not come: that is the command."""
    assert rules(away("", failed=False))[0] == "slow-statement"
    assert "unreachable" not in rules(away("Timeout reading from socket"))


def helpers(names: int, ms: float) -> Diagnosis:
    """A request with some sixty spans of small functions."""
    below = [span("shop", f"step{chr(97 + n % names)}", 2 + n * (ms + 0.01), ms) for n in range(60)]
    return diagnose(trace(server("shop", "POST /buy", 0, 300, *below, sql("shop", "SELECT 1", 200, 90))))


def test_many_helpers_together_are_noise() -> None:
    """None of the names alone has fifty spans."""
    (hint,) = [finding for finding in helpers(6, 0.01).findings if finding.rule == "noise"]
    assert "60 of 62 spans are shop helpers (stepa, stepb, stepc and 3 more)" in hint.title


def test_helpers_that_take_their_time_are_none() -> None:
    """They show where the time goes."""
    assert not [finding for finding in helpers(6, 3).findings if finding.rule == "noise"]


def test_attempts_are_no_list_of_things() -> None:
    """Six attempts at one call are a retry, whatever else there is many of."""
    below = [call("shop", "POST http://pay/charges", 2 + 60 * n, 50, status=200 if n == 5 else 503) for n in range(6)]
    assert rules(diagnose(trace(server("shop", "POST /buy", 0, 400, *below)))) == ["retries"]
