"""A quota of CPU time, and other ways to stand still."""

import random

import pytest

from tests.unit.traces.diagnosis.population.crowds import db, found, many, together, traces
from tests.unit.traces.trace_shapes import Node, server
from workshop.traces.diagnosis.findings import Diagnosis


def frozen(number: int, lengths: list[float], places: int = 4) -> Diagnosis:
    """A Go service in a container, silent somewhere in each request for one of these lengths in ms."""
    dealer = random.Random(3)

    def one(each: int) -> Node:
        start, length, place = 1000.0 * each, dealer.choice(lengths) + dealer.uniform(-4, 4), each % places
        parts = [length if place == at else 2.0 for at in range(4)]  # before, first, between, second
        first = start + parts[0]
        second = first + parts[1] + parts[2]
        return server(
            "prices", "GET /quote", start, sum(parts) + 1,
            db("prices", "mysql", "SELECT * FROM price WHERE id = ?", first, parts[1]),
            db("prices", "mysql", "SELECT * FROM rate WHERE id = ?", second, parts[3]),
        )  # fmt: skip

    return together(many(number, one))


def test_whole_periods_anywhere() -> None:
    """Silent for 100, 200 or 300 ms, in statements and between them: the kernel's period, not the statements."""
    told = frozen(24, [100, 200, 300])
    assert told.problems[0].rule == "cpu-quota" and "prices stands still for whole periods of 100 ms" in told.verdict
    assert found(told, "slow-statement") is None and found(told, "waiting") is None


def test_pauses_of_any_length() -> None:
    """A garbage collector's, or a busy machine's: of no period, and no quota is claimed."""
    assert found(frozen(24, [130, 150, 165, 240, 255, 345]), "cpu-quota") is None


def test_half_of_them_whole() -> None:
    """As many pauses are of no period as are whole ones: chance."""
    assert found(frozen(48, [100, 200, 300, 145, 255, 350]), "cpu-quota") is None


def test_two_places() -> None:
    """A timer that is waited for before a statement, and the statement itself, are two steps and no quota."""
    assert found(frozen(24, [100, 200], places=2), "cpu-quota") is None


def test_one_place() -> None:
    """A statement of 100 ms in every request is a slow statement."""
    told = together(many(24, lambda each: server("prices", "GET /quote", 1000.0 * each, 210, db(
        "prices", "mysql", "SELECT sleep(0.1)", 1000.0 * each + 1, 203))))  # fmt: skip
    assert told.problems[0].rule == "slow-statement"


CART, PRICE = "SELECT * FROM cart WHERE id = ?", "SELECT * FROM price WHERE id = ?"


def report(start: float, *pauses: float) -> Node:
    """A Node service's request: pauses before its first statement, in it, before and in the second, and at the end."""
    before, first, between, second, last = pauses
    one, other = start + 1 + before, start + 4 + before + first + between
    return server(
        "shop", "GET /report", start, other + 3 + second + last - start,
        db("shop", "postgresql", CART, one, 2 + first), db("shop", "postgresql", PRICE, other, 2 + second),
    )  # fmt: skip


def stopped(times: int, at_work: int, ms: float = 400) -> Diagnosis:
    """The event loop stood still so often: for one request between two statements, or for two at once where it says
    so, and for others wherever they were.
    """
    trees = []
    for each in range(times):
        now = 3000.0 * each
        length = ms + 17 * each
        trees += [report(now - 4 - number, 0, 0, length, 0, 0) for number in range(at_work)]
        trees += [report(now - 2, 0, length, 0, 0, 0), report(now - 7 - at_work, 0, 0, 0, 0, length)]
        trees += [report(now + 900, 0, 0, 0, 0, 0)]
    return together(traces(trees))


@pytest.mark.parametrize("at_work", [1, 2])
def test_one_at_work_stops_all(at_work: int) -> None:
    """Whatever the others seem to wait for, a table's lock even: the time is in the code that lets nobody else run."""
    told = stopped(8, at_work)
    assert [each.rule for each in told.problems] == ["own-code"]
    assert "the time is in shop itself: shop GET /report recorded nothing for" in told.verdict
    assert "after SELECT cart and before SELECT price; in 8 of the 8 times" in told.verdict
    assert "16 others stood still with it" in told.verdict


def test_nobody_at_work() -> None:
    """All stand still, none at that place: a pause, whose reason is elsewhere, is not the code's."""
    told = found(stopped(8, 0), "own-code")
    assert told is None or "stood still" not in told.title


def test_all_at_one_place() -> None:
    """They may wait for one thing that nobody recorded: nobody is said to be at work."""
    trees = [report(3000.0 * each - number, 0, 0, 400, 0, 0) for each in range(8) for number in range(3)]
    told = found(together(traces(trees)), "own-code")
    assert told is None or "stood still" not in told.title
