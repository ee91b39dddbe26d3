"""Retries that outlast their cause: a Go service in front of a Java one, with gRPC's names."""

from itertools import pairwise

from tests.unit.traces.diagnosis.population.crowds import found, together, traces
from tests.unit.traces.trace_shapes import Node, server, span

MS = 20.0  # of an attempt that is answered
TIMEOUT = 100.0


def request(start: float, attempts: int = 1, *, fine: bool = True) -> Node:
    """A request with so many attempts, all in vain or the last one answered."""
    calls = []
    for number in range(attempts):
        good = fine and number == attempts - 1
        failed = {} if good else {"status": "error", "status_message": "DEADLINE_EXCEEDED"}
        named = {"rpc.system": "grpc", "rpc.service": "bank.Cards", "rpc.method": "Charge"}
        at = start + 1 + number * TIMEOUT
        calls.append(
            span("shop", "bank.Cards/Charge", at, MS if good else TIMEOUT, kind="client", attributes=named, **failed)
        )
    ends = calls[-1].start + calls[-1].ms + 1
    return server("shop", "POST /buy", start, ends - start, *calls)


def calm(start: float, number: int = 8) -> list[Node]:
    """Requests one after the other, each with one attempt."""
    return [request(start + 150 * each) for each in range(number)]


def rush(start: float) -> list[Node]:
    """Ten at once, all in vain."""
    return [request(start + each, 6, fine=False) for each in range(10)]


def storm(start: float, number: int = 6) -> list[Node]:
    """After the rush: fewer requests, all of them in vain."""
    return [request(start + 700 * each, 6, fine=False) for each in range(number)]


def test_a_storm_outlasts_the_rush_that_made_it() -> None:
    """The errors and the retries of its requests are explained by it, and not told again."""
    told = together(traces([*calm(0), *rush(1500), *storm(2500)]))
    assert told.problems[0].rule == "retry-storm"
    assert "took one attempt until 10 requests came at once" in told.problems[0].title
    assert "6 of 6 are tried 6 times in vain" in told.problems[0].title
    assert not [each for each in told.problems if each.rule in ("error", "retries")]


def test_what_ends_with_the_rush_is_none() -> None:
    """The rush was too much; after it all is well."""
    assert found(together(traces([*calm(0), *rush(1500), *calm(2500)])), "retry-storm") is None


def test_what_failed_before_the_rush_is_none() -> None:
    """The first attempts are in vain at any load: the rush has nothing to do with it."""
    early = [request(300 * each, 3) for each in range(8)]
    assert found(together(traces([*early, *rush(3000), *storm(4000)])), "retry-storm") is None


def test_a_crowd_that_stays_is_its_own_cause() -> None:
    """More than half as many as in the rush are there after it, though they do not come more often than before it."""
    crowds = [request(start + each, 6, fine=False) for start in (2500, 5000) for each in range(6)]
    assert found(together(traces([*calm(0), *rush(1500), *crowds])), "retry-storm") is None


def test_more_requests_than_before_are_their_own_cause() -> None:
    """Three at once are no crowd, but they come more often than before the rush."""
    often = [request(2500 + 100 * each, 3, fine=False) for each in range(12)]
    assert found(together(traces([*calm(0), *rush(1500), *often])), "retry-storm") is None


def test_too_little_after_the_rush_says_nothing() -> None:
    """Four requests are no population."""
    assert found(together(traces([*calm(0), *rush(1500), *storm(2500, 4)])), "retry-storm") is None


def test_the_requests_written_here_are_what_they_say() -> None:
    """Calm ones do not overlap, and those of a storm are long."""
    assert all(one.start + one.ms < other.start for one, other in pairwise(calm(0)))
    assert all(each.ms > 500 for each in storm(0))
