"""Two populations compared: the service whose doing a change is, and nothing where nothing changed."""

import json
import random

import pytest

from tests.unit.traces.trace_shapes import Node, call, server, span, sql, trace
from workshop.traces.model.trace import Trace
from workshop.traces.suspects import tests_of_chance
from workshop.traces.suspects.compare import Comparison, compare
from workshop.traces.suspects.growth import growths
from workshop.traces.suspects.observed import observe

Delays = dict[str, float]


def request(chance: random.Random, slow: Delays, *, broken: str = "", failing: str = "") -> Trace:
    """A web page that asks cart, then stock, each reads a table; every time has some noise, what is slow takes more.

    `slow` has ms by name: `cart` and `stock` for their own code, `to cart`, `from stock` … for the ways.
    """

    def ms(name: str, usual: float) -> float:
        return usual * chance.uniform(0.7, 1.4) + slow.get(name, 0.0)

    children: list[Node] = []
    at = ms("web", 3.0)
    for callee in ("cart", "stock"):
        there, own, back = ms(f"to {callee}", 1.0), ms(callee, 5.0), ms(f"from {callee}", 1.0)
        below = [span(callee, "read table", at + there + 1, own - 2)] if broken != callee else []
        status = 500 if failing == callee else 200
        answer = server(callee, f"GET /{callee}", at + there, own, *below, status=status)
        children.append(call("web", f"GET http://{callee}/{callee}", at, there + own + back, answer, status=status))
        at += there + own + back + ms("web", 1.0)
        if failing == callee:
            break
    return trace(server("web", "GET /page", 0, at + 1, *children), trace_id=f"{chance.getrandbits(128):032x}")


def population(seed: int, slow: Delays, count: int = 60, **how: str) -> list[Trace]:
    """Requests, each with its own noise."""
    chance = random.Random(seed)
    return [request(chance, slow, **how) for _ in range(count)]


def test_nothing_changed_is_said() -> None:
    """Two populations of the same system."""
    alarms = 0
    for seed in range(10):
        found = compare(population(seed, {}), population(seed + 100, {}, 40))
        alarms += found.changed
        if not found.changed:
            assert found.verdict == "nothing changed by more than chance explains" and not found.lines
    assert alarms <= 1


@pytest.mark.parametrize(
    ("slow", "service"),
    [
        ({"cart": 40.0}, "cart"),
        ({"stock": 40.0}, "stock"),
        ({"from stock": 40.0}, "stock"),
        ({"to cart": 40.0, "from cart": 40.0}, "cart"),
        ({"web": 30.0, "to cart": 30.0, "to stock": 30.0}, "web"),
        ({"to stock": 40.0, "stock": 40.0}, "stock"),
    ],
)
def test_the_service_at_fault_is_the_first_suspect(slow: Delays, service: str) -> None:
    """By its own work, or by being the end that the slow ways have in common; with the ms that it cost."""
    found = compare(population(1, {}), population(2, slow, 30))
    first = found.suspects[0]
    assert first.service == service and found.changed and found.chance is not None and found.chance <= 0.1
    assert first.ms == pytest.approx(sum(slow.values()), rel=0.35) or service == "web"
    assert first.traces == 30 and first.evidence and first.what == first.evidence[0]["text"]
    assert 0 < first.share <= 1


def reports(seed: int, slow: float, count: int = 30) -> list[Trace]:
    """Requests of twelve statements, one of which takes `slow` ms, more or less."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        children, at = [], 1.0
        for number in range(12):
            ms = chance.uniform(0.8, 1.2) * (slow if number == 5 else 4.0)
            children.append(sql("web", f"SELECT a FROM table_{'abcdefghijkl'[number]}", at, ms))
            at += ms + 0.1
        found.append(trace(server("web", "GET /report", 0, at, *children), trace_id=f"{chance.getrandbits(128):032x}"))
    return found


@pytest.mark.parametrize(("before", "after"), [(0.5, 20.0), (100.0, 230.0), (100.0, 150.0)])
def test_one_statement_of_many_is_seen(before: float, after: float) -> None:
    """A missing index; also one that only doubles what already took most of the time."""
    found = compare(reports(1, before), reports(2, after))
    assert found.suspects[0].service == "web" and "table_f" in found.suspects[0].what
    assert found.suspects[0].ms == pytest.approx(after - before, rel=0.1) and len(found.lines) == 1


def test_what_became_faster_is_no_suspect_and_is_told() -> None:
    """The other way round: nobody is suspected, and who takes less is named with what it was before."""
    found = compare(reports(2, 100.0), reports(1, 0.5))
    assert not found.changed and not found.suspects and found.improved[0].service == "web"
    assert found.verdict.startswith("nothing takes longer; web takes less: ") and "ms → 0.5" in found.verdict
    assert found.improved[0].ms == pytest.approx(99.5, rel=0.1)


def test_a_fault_of_one_request_in_five_is_seen() -> None:
    """The ranks hardly move, the values beyond anything usual do."""
    new = population(2, {}, 40) + population(3, {"from cart": 200.0}, 10)
    found = compare(population(1, {}), new)
    assert found.suspects[0].service == "cart" and found.suspects[0].traces == 10


def test_a_call_that_vanished_is_a_change() -> None:
    """Cart no longer reads its table."""
    found = compare(population(1, {}), population(2, {}, 30, broken="cart"))
    first = found.suspects[0]
    assert first.service == "cart" and first.evidence[0]["kind"] == "vanished" and "read table" in first.what
    assert first.traces == 30


def test_errors_that_appeared_are_a_change() -> None:
    """Cart fails and the page asks nobody any more: cart is suspected, not the page, not stock that is not asked."""
    found = compare(population(1, {}), population(2, {}, 20) + population(3, {}, 10, failing="cart"))
    first = found.suspects[0]
    assert first.service == "cart" and first.traces >= 10
    assert {line["kind"] for line in first.evidence} >= {"errors"}


def test_another_mixture_of_operations_is_no_change() -> None:
    """Of two operations one is asked for more often, and takes longer than the other: neither became slower."""

    def mixed(seed: int, pages: int, others: int) -> list[Trace]:
        chance = random.Random(seed)
        slow = [
            trace(server("web", "GET /report", 0, chance.uniform(700, 900)), trace_id=f"{chance.getrandbits(128):032x}")
            for _ in range(others)
        ]
        return population(seed, {}, pages) + slow

    assert not compare(mixed(1, 60, 6), mixed(2, 20, 40)).changed


def test_one_odd_trace_of_a_rare_work_is_no_change() -> None:
    """What a population from before had five times was slow once: it may be anything. Slow twice, it is suspected."""

    def with_mail(seed: int, times: list[float]) -> list[Trace]:
        chance = random.Random(seed)
        rare = [
            trace(
                server("web", "GET /mail", 0, ms + 4, call("web", "POST http://mail/send", 1, ms + 2,
                    server("mail", "POST /send", 2, ms))),
                trace_id=f"{chance.getrandbits(128):032x}",
            )
            for ms in times
        ]  # fmt: skip
        return population(seed, {}, 20) + rare

    before = with_mail(1, [5, 6, 7, 5, 6])
    assert not compare(before, with_mail(2, [900])).changed
    assert compare(before, with_mail(2, [900, 950])).suspects[0].service == "mail"


def test_what_a_step_does_is_told_by_who_asked_for_it() -> None:
    """A commit writes for one operation and only reads for another: asked for in another mixture, nothing vanished."""

    def orders(seed: int, writes: int, reads: int) -> list[Trace]:
        chance = random.Random(seed)
        made = []
        for name, below, count in (("POST /orders", (span("shop", "INSERT", 3, 1),), writes), ("GET /o", (), reads)):
            for _ in range(count):
                commit = span("shop", "commit", 2, chance.uniform(3, 4), *below)
                made.append(trace(server("shop", name, 0, 8, commit), trace_id=f"{chance.getrandbits(128):032x}"))
        return made

    assert not compare(orders(1, 20, 10), orders(2, 1, 20)).changed


def test_a_few_traces_are_compared_and_said_to_be_few() -> None:
    """One against one: what grew, without a word about chance."""
    found = compare(population(1, {}, 1), population(2, {"stock": 500.0}, 1))
    assert found.suspects[0].service == "stock" and found.chance is None and "too few traces" in found.verdict


def test_the_result_is_data_and_always_the_same() -> None:
    """Every number can be written as JSON; the same populations give the same answer."""

    def once() -> Comparison:
        return compare(population(1, {}), population(2, {"cart": 40.0}, 30))

    found = json.loads(json.dumps(once().as_json(), allow_nan=False))
    assert found == once().as_json()
    assert found["suspects"][0].keys() >= {"service", "what", "ms", "share", "traces", "evidence"}
    assert (found["before_traces"], found["after_traces"]) == (60, 30)
    assert found["lines"][0]["service"] == "cart"


@pytest.mark.parametrize("count", [1, 2, 7])
def test_no_population_is_too_odd(count: int) -> None:
    """Traces of one span of no length, against anything."""
    empty = [trace(span("a", "x", 0, 0), trace_id=f"{i:032x}") for i in range(count)]
    for other in (empty, population(1, {}, 6)):
        for one, two in ((empty, other), (other, empty)):
            assert json.dumps(compare(one, two).as_json(), allow_nan=False)


def test_ways_hardly_seen_before_are_compared_with_others() -> None:
    """A way of two old values is judged by what ways usually take; own work of two old values is not judged."""
    old = observe(population(1, {}, 20)) + observe(population(2, {}, 2))
    new = observe(population(3, {"from stock": 300.0}, 20))
    assert any(g.weight > 0 and g.work.kind == "way-back" for g in growths(old, new))


def test_the_tests_of_chance() -> None:
    """Signs, ties, sides that cannot differ, and a known value."""
    assert tests_of_chance.ranks([1, 1, 1], [1, 1, 1]) == 0
    assert tests_of_chance.ranks([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2.611, abs=0.001)
    assert tests_of_chance.ranks([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]) == pytest.approx(-2.611, abs=0.001)
    assert tests_of_chance.proportions(0, 10, 0, 5) == tests_of_chance.proportions(10, 10, 5, 5) == 0
    assert tests_of_chance.proportions(10, 100, 30, 100, corrected=False) == pytest.approx(3.536, abs=0.001)
    assert 0 < tests_of_chance.proportions(10, 100, 30, 100) < 3.536
