"""How customers come: when, how many at once, and with what pause."""

import time

import pytest

from workshop.scenarios import population
from workshop.scenarios.model import Traffic
from workshop.shop import checkout
from workshop.stack.settings import current


@pytest.fixture
def bought(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each checkout was begun, in s on the monotonic clock; each takes 10 ms."""
    times = list[float]()

    def buy(*_: object) -> checkout.Outcome:
        times.append(time.monotonic())
        time.sleep(0.01)
        return checkout.Outcome(201, 10.0, f"{len(times):032x}", "confirmed")

    monkeypatch.setattr(checkout, "buy", buy)
    return times


def during(times: list[float], start: float, end: float) -> int:
    """How many were begun between two moments, in s since the first one."""
    return sum(start <= each - times[0] < end for each in times)


def test_customers_with_a_pause_do_not_come_at_once(bought: list[float]) -> None:
    """Four with a pause of 0.4 s: one every 0.1 s."""
    population.buy(current(), Traffic(users=4, pause=0.4, seconds=1.2), least=0)
    assert during(bought, 0.0, 0.08) == 1
    assert during(bought, 0.0, 0.35) <= 4
    assert 8 <= len(bought) <= 14


def test_a_surge_comes_at_one_moment_and_buys_once(bought: list[float]) -> None:
    """Before it and after it are the customers that there always are."""
    population.buy(current(), Traffic(users=1, pause=0.2, seconds=2.0, surge=20), least=0)
    assert during(bought, 0.0, 0.4) <= 3
    assert during(bought, 0.4, 0.9) >= 20
    assert during(bought, 1.0, 2.0) <= 6


def test_so_many_are_bought_at_least(bought: list[float]) -> None:
    """However short the time is."""
    found = population.buy(current(), Traffic(users=1, seconds=0.0, surge=2), least=7)
    assert len(found) == len(bought) == 7
