"""How customers come: when, how many at once, and with what pause."""

import time

import pytest
import requests
from redis import RedisError

from workshop.scenarios import population
from workshop.scenarios.model import Traffic
from workshop.shop import cache, checkout
from workshop.stack.settings import Settings, current


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


@pytest.mark.parametrize("away", [False, True])
def test_a_fault_of_what_the_cache_does_not_know_begins_with_an_empty_one(
    bought: list[float], monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    """Emptied before the first checkout, and only for these; a cache that is away knows nothing."""
    forgotten = list[int]()

    def forget_all(_: Settings) -> None:
        forgotten.append(len(bought))
        if away:
            raise RedisError

    monkeypatch.setattr(cache, "forget_all", forget_all)
    monkeypatch.setattr(population, "settled", lambda *_, messages: [])
    monkeypatch.setattr(population, "plan_lines", lambda _: ())
    population.fresh(current(), Traffic(seconds=0.0), least=1)
    assert forgotten == []
    population.fresh(current(), Traffic(seconds=0.0, cold=True), least=1)
    assert forgotten == [len(bought) - 1]


def test_who_browses_looks_at_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache knows the page that somebody looked at before."""
    looked = list[str]()
    with requests.Session() as session:
        monkeypatch.setattr(session, "get", lambda url, timeout: looked.append(url))
        for _ in range(20):
            checkout.browse(session, current())
    assert len(set(looked)) > 10
    assert all("/products?limit=20&after=SKU-0" in url for url in looked)
