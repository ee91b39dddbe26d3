"""Pools without a span of their own: Java's, Go's; a connection held across a call; and time that is nobody else's."""

from tests.unit.traces.diagnosis.population.crowds import db, found, many, together
from tests.unit.traces.trace_shapes import Node, call, server, span
from workshop.traces.diagnosis.findings import Diagnosis


def served(places: int, number: int, every: float, work: float) -> list[tuple[float, float]]:
    """When each of the requests that come so often is let in, with so many places, each taken for so long."""
    free = [0.0] * places
    result = []
    for each in range(number):
        came = every * each
        place = free.index(min(free))
        began = max(came + 1, free[place] + 1)
        free[place] = began + work
        result.append((came, began))
    return result


def hikari(places: int, number: int = 30, every: float = 20, work: float = 100) -> Diagnosis:
    """A Spring service behind HikariCP, whose wait for a connection has no span."""
    times = served(places, number, every, work)

    def one(each: int) -> Node:
        came, began = times[each]
        return server(
            "shop", "GET /basket", came, began + work + 3 - came,
            db("shop", "mysql", "SELECT * FROM basket WHERE id = ?", began, work / 2),
            db("shop", "mysql", "SELECT * FROM item WHERE basket = ?", began + work / 2 + 1, work / 2 - 1),
        )  # fmt: skip

    return together(many(number, one))


def test_a_pool_that_is_too_small() -> None:
    """Two connections, ten requests at once: never more than two are at their statements."""
    told = hikari(2)
    assert told.problems[0].rule == "pool" and "waiting for a connection" in told.verdict
    assert "never more than 2 of up to" in told.verdict and found(told, "waiting") is None


def test_a_pool_that_is_large_enough() -> None:
    """As many requests, nobody waits."""
    assert found(hikari(12), "pool") is None


def test_a_slow_start_is_no_queue() -> None:
    """Each request needs 30 ms before its first statement, and nobody keeps it from that."""
    times = [(20.0 * each, 20.0 * each + 30) for each in range(30)]

    def one(each: int) -> Node:
        came, began = times[each]
        return server("shop", "GET /basket", came, 140, db("shop", "mysql", "SELECT * FROM basket", began, 100))

    assert found(together(many(30, one)), "pool") is None


def held_across(places: int, number: int = 30) -> Diagnosis:
    """A Go service that opens a transaction, asks another one over gRPC, and then writes."""
    times = served(places, number, 20, 160)

    def one(each: int) -> Node:
        came, began = times[each]
        rpc = {"rpc.system": "grpc", "rpc.service": "Stock", "rpc.method": "Take"}
        return server(
            "orders", "POST /orders", came, began + 163 - came,
            span("orders", "place", came + 0.5, began + 162 - came,
                db("orders", "postgresql", "INSERT INTO orders VALUES ($1)", began, 3),
                span("orders", "Stock/Take", began + 5, 140, span("stock", "Stock/Take", began + 6, 138, kind="server",
                    attributes=rpc), kind="client", attributes=rpc),
                db("orders", "postgresql", "UPDATE orders SET state = $1", began + 150, 5)),
        )  # fmt: skip

    return together(many(number, one))


def test_a_connection_that_is_kept_in_hand() -> None:
    """The pool is full while the database idles: said with the call across which it is kept."""
    told = held_across(3)
    assert "a connection is kept in hand" in told.verdict and "Stock/Take" in told.problems[0].advice


def test_nobody_else_was_there() -> None:
    """PHP: silent between the same two queries in every request, one request at a time: the code's own time."""

    def one(each: int) -> Node:
        start, silent = 2000.0 * each, 300 + 40 * each
        return server(
            "blog", "GET /post", start, silent + 20,
            db("blog", "mysql", "SELECT * FROM posts WHERE id = ?", start + 1, 5),
            db("blog", "mysql", "SELECT * FROM tags WHERE post = ?", start + silent + 8, 5),
        )  # fmt: skip

    told = together(many(5, one))
    assert told.problems[0].rule == "own-code" and "no other request was there" in told.verdict
    assert found(told, "waiting") is None


def test_somebody_else_was_there() -> None:
    """The same holes while others are in the service: it may have waited for them, and nothing else is claimed."""

    def one(each: int) -> Node:
        start, silent = 40.0 * each, 300 + 40 * each
        return server(
            "blog", "GET /post", start, silent + 20,
            db("blog", "mysql", "SELECT * FROM posts WHERE id = ?", start + 1, 5),
            db("blog", "mysql", "SELECT * FROM tags WHERE post = ?", start + silent + 8, 5),
        )  # fmt: skip

    told = together(many(8, one))
    assert told.problems[0].rule == "waiting" and found(told, "own-code") is None


def test_a_connection_that_is_taken_for_a_statement_only() -> None:
    """As many requests wait for another service, and no connection is meanwhile in anybody's hand: no queue."""

    def one(each: int) -> Node:
        start = 20.0 * each
        return server(
            "orders", "POST /orders", start, 420,
            db("orders", "mysql", "INSERT INTO orders VALUES (?)", start + 1, 3),
            call("orders", "GET http://stock/items", start + 5, 400, server("stock", "GET /items", start + 6, 398)),
            db("orders", "mysql", "UPDATE orders SET state = ?", start + 410, 5),
        )  # fmt: skip

    assert found(together(many(20, one)), "pool") is None
