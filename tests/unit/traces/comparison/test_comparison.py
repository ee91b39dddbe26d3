"""Comparing two traces, and two populations."""

import random

import pytest

from tests.unit.traces.trace_shapes import checkout, server, span, sql, trace
from workshop.traces.comparison.populations import diff_many
from workshop.traces.comparison.two_traces import Diff, diff
from workshop.traces.model.trace import Trace


def leg_of(result: Diff, service: str, start: str) -> tuple[float, float, str]:
    """Before, after and status of the leg whose name begins so."""
    found = next(leg for leg in result.legs if leg.service == service and leg.name.startswith(start))
    return round(found.before_ms, 3), round(found.after_ms, 3), found.change


def test_the_fix_shows_in_one_leg() -> None:
    """The statement's leg has the change; the root's has it too, but not as its own."""
    result = diff(checkout(sum_ms=812), checkout(sum_ms=2))
    assert leg_of(result, "inventory", "SELECT sku, sum") == (812, 2, "same")
    assert {leg.change for leg in result.legs} == {"same"}
    assert (result.biggest.service, round(result.biggest.own_change)) == ("inventory", -810)
    assert "the biggest change is inventory SELECT sku, sum(quantity)" in result.verdict


def test_the_same_trace_twice() -> None:
    """Nothing changed, and that is what is said."""
    result = diff(checkout(), checkout(trace_id="b" * 32))
    assert all(leg.change_ms == 0 for leg in result.legs)
    assert "no leg changed" in result.verdict


def test_what_appeared_and_what_vanished() -> None:
    """Both have their place in the tree and their time."""
    before = trace(server("a", "GET /", 0, 50, sql("a", "SELECT 1 FROM old", 5, 20), span("a", "render", 30, 10)))
    after = trace(server("a", "GET /", 0, 40, span("a", "cache", 5, 1), span("a", "render", 20, 10)))
    result = diff(before, after)
    assert leg_of(result, "a", "SELECT 1 FROM old") == (20, 0, "vanished")
    assert leg_of(result, "a", "cache") == (0, 1, "appeared")
    assert [leg.name for leg in result.legs] == ["GET /", "SELECT 1 FROM old", "cache", "render"]


def test_many_repeats_are_one_leg() -> None:
    """Forty statements against one: one line, with both counts."""
    before = trace(server("a", "GET /", 0, 90, *[sql("a", f"SELECT {n} FROM t", 2 * n, 2) for n in range(40)]))
    after = trace(server("a", "GET /", 0, 9, sql("a", "SELECT 1 FROM t", 1, 3)))
    result = diff(before, after)
    assert len(result.legs) == 2
    assert (result.legs[1].before_count, result.legs[1].after_count) == (40, 1)


def test_few_repeats_are_paired_in_order() -> None:
    """Two statements of one kind are two legs."""
    before = trace(server("a", "GET /", 0, 90, sql("a", "SELECT 1", 1, 10), sql("a", "SELECT 2", 20, 5)))
    after = trace(server("a", "GET /", 0, 90, sql("a", "SELECT 3", 1, 11), sql("a", "SELECT 4", 20, 50)))
    assert [(leg.before_ms, leg.after_ms) for leg in diff(before, after).legs[1:]] == [(10, 11), (5, 50)]


def test_another_port_is_the_same_leg() -> None:
    """Two runs of one system may have other addresses."""
    made = checkout(trace_id="b" * 32)
    for each in made.spans:
        if "url.full" in each.attributes:
            each.attributes["url.full"] = each.attributes["url.full"].replace("127.0.0.1:80", "10.0.0.7:180")
    assert {leg.change for leg in diff(checkout(), made).legs} == {"same"}


def population(seed: int, count: int, sum_ms: float) -> list[Trace]:
    """Checkouts with the provider's spread."""
    rng = random.Random(seed)
    return [
        checkout(sum_ms * rng.uniform(0.9, 1.1), 43 * rng.lognormvariate(0, 0.1), f"{seed:016x}{n:016x}")
        for n in range(count)
    ]


def test_populations_before_and_after_the_fix() -> None:
    """Only what really changed is more than noise."""
    result = diff_many(population(1, 20, 300), population(2, 20, 2))
    by_name = {(leg.service, leg.name): leg for leg in result.legs}
    root, provider = result.legs[0], by_name["payment", "POST 127.0.0.1:8084/v1/charges"]
    assert root.real is True and root.high < -250 and provider.real is False
    assert provider.low < 0 < provider.high
    assert result.biggest.service == "inventory" and "inventory SELECT" in result.verdict
    assert root.before.p50 > 300 and root.before.p95 >= root.before.p50


def test_the_interval_is_the_same_each_time() -> None:
    """The seed is fixed: the same populations give the same words."""
    first = diff_many(population(1, 8, 3), population(2, 8, 3)).as_json()
    assert first == diff_many(population(1, 8, 3), population(2, 8, 3)).as_json()


def test_equal_populations_are_noise() -> None:
    """Of forty pairs of populations from one distribution hardly any seems to have changed."""
    wrong = sum(
        diff_many(population(seed, 12, 3), population(seed + 1000, 12, 3)).legs[0].real is True for seed in range(40)
    )
    assert wrong <= 2


def test_too_few_traces_prove_nothing() -> None:
    """Under five on a side there is no claim."""
    result = diff_many(population(1, 3, 300), population(2, 3, 2))
    assert {leg.real for leg in result.legs} == {None} and "too few traces" in result.verdict


def test_an_empty_side_is_an_error() -> None:
    """There is nothing to compare with."""
    with pytest.raises(ValueError, match="at least one trace"):
        diff_many(population(1, 3, 3), [])
