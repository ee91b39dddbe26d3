"""N+1 by numbers: JPA's and a REST client's; and repetitions that are none. What slow ones have in common."""

from collections.abc import Callable

from tests.unit.traces.diagnosis.population.crowds import db, found, many, together
from tests.unit.traces.trace_shapes import Node, call, server
from workshop.traces.diagnosis.findings import Diagnosis

SIZES = (2, 5, 8, 12, 20)


def calls(address: Callable[[int], str], ms: float = 3, sizes: tuple[int, ...] = SIZES) -> Diagnosis:
    """A page that asks for one thing after another, another number for each request."""

    def one(each: int) -> Node:
        number, start = sizes[each % len(sizes)], 500.0 * each
        below = [call("web", f"GET http://api{address(n)}", start + 2 + (ms + 1) * n, ms) for n in range(number)]
        return server("web", "GET /list", start, 10 + (ms + 1) * number, *below, attributes={"list.size": number})

    return together(many(10, one))


def test_a_call_for_each_thing() -> None:
    """No trace is slow, and the callee has ten times the requests: with the attribute that says how many."""
    told = calls(lambda n: f"/items?id={n}")
    assert told.problems[0].rule == "repeated" and "2 to 20 times, one after another" in told.verdict
    assert "as many as list.size says" in told.verdict


def test_an_id_in_the_path() -> None:
    """The same, as most REST interfaces write it."""
    assert found(calls(lambda n: f"/items/{1000 + n}"), "repeated")


def test_one_page_after_another() -> None:
    """The next page's address is only known from this one's answer."""
    told = calls(lambda n: f"/items?page={n}", sizes=(2, 4, 5, 6, 8))
    assert found(told, "repeated") is None


def test_always_as_many() -> None:
    """A fixed number of calls is how the page is made, and grows with nothing."""
    told = calls(lambda n: f"/items?id={n}", sizes=(4, 4, 4, 4, 4))
    assert all(finding.severity == "hint" for finding in told.findings)


def rows(ms: float) -> Diagnosis:
    """Hibernate's select for each row."""

    def one(each: int) -> Node:
        number, start = SIZES[each % len(SIZES)], 3000.0 * each
        below = [
            db("shop", "mysql", "select o.id from orders o where o.customer=?", start + 2 + (ms + 0.5) * n, ms)
            for n in range(number)
        ]
        return server("shop", "GET /customers", start, 10 + (ms + 0.5) * number, *below)

    return together(many(10, one))


def test_a_select_for_each_row() -> None:
    """Named from many traces, of which the large ones would have told alone."""
    told = rows(8)
    assert told.problems[0].rule == "repeated" and "the same statement once for each of many (N+1)" in told.verdict


def test_nobody_waits_for_quick_statements() -> None:
    """A tenth of a millisecond each: a hint at most."""
    assert rows(0.1).healthy


def slow_for(slow: Callable[[int], bool]) -> Diagnosis:
    """A statement that only some requests wait for."""

    def one(each: int) -> Node:
        start, ms = 3000.0 * each, 900 if slow(each) else 4
        said = {"tenant.id": "acme" if slow(each) else f"t{each % 3}", "items": each}
        found = db("shop", "mysql", "SELECT * FROM item WHERE name LIKE ?", start + 2, ms)
        return server("shop", "GET /search", start, ms + 10, found, attributes=said)

    return together(many(10, one))


def test_a_number_that_divides_them() -> None:
    """Everything above some size is slow."""
    told = slow_for(lambda each: each >= 5)
    assert "they have in common what no other trace has: items is 5 or more" in told.problems[0].details


def test_a_text_that_divides_them() -> None:
    """One tenant, whatever the numbers."""
    told = slow_for(lambda each: each % 2 == 1)
    assert "they have in common what no other trace has: tenant.id is acme" in told.problems[0].details


def test_nothing_divides_all_from_none() -> None:
    """All of them are slow: there is nothing to tell apart."""
    told = slow_for(lambda each: True)
    assert not any("in common" in line for line in told.problems[0].details)
