"""A quota of CPU time, and other ways to stand still."""

import random

from tests.unit.traces.diagnosis.population.crowds import db, found, many, together
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
