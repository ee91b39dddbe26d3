"""The neighbours in traces made for it: what each kind of wait needs, and what is none."""

import json
import random

import pytest

from tests.unit.traces.trace_shapes import LOCK, SUM, Node, call, link, server, span, sql, trace
from workshop.traces.model.trace import Trace
from workshop.traces.neighbours.neighbours import Population, neighbours
from workshop.traces.neighbours.processes import Processes


def identity(number: int) -> str:
    """A trace id."""
    return f"{number:032x}"


def reservation(number: int, start: float, lock_ms: float = 1.0, after_ms: float = 2.0, text: str = LOCK) -> Trace:
    """A request that locks rows `lock_ms` long, and keeps them for `after_ms` more."""
    sum_start = start + 1 + lock_ms
    return trace(
        server("inventory", "POST /reservations", start, lock_ms + after_ms + 2,
               sql("inventory", text, start + 1, lock_ms), sql("inventory", SUM, sum_start, after_ms)),
        trace_id=identity(number),
    )  # fmt: skip


def quick(count: int = 12) -> list[Trace]:
    """Requests of the seconds before, that waited for nothing."""
    return [reservation(100 + number, 20.0 * number) for number in range(count)]


def test_a_lock_is_held_by_the_transaction_that_let_go() -> None:
    """The statement goes on as another trace's transaction on the same table ends: that one held it."""
    holder, other = reservation(1, 1000, after_ms=800), reservation(2, 400)
    waiting = reservation(3, 1100, lock_ms=705)
    found = neighbours(waiting, [*quick(), holder, other])
    (wait,) = found.waits
    assert (wait.kind, [each.span.trace_id for each in wait.holders]) == ("lock", [identity(1)])
    assert wait.holders[0].let_go
    assert round(wait.holders[0].ns / 1e6) == pytest.approx(701, abs=2)
    assert found.looked_at == 14
    assert "waited 705 ms for a lock in product" in wait.title


def test_who_held_nothing_yet_is_not_named() -> None:
    """Two that wait side by side did not hold what they waited for."""
    waiting = [reservation(number, 1100 + number, lock_ms=700 - number) for number in (1, 2, 3)]
    (wait,) = neighbours(waiting[0], [*quick(), *waiting]).waits
    assert not wait.holders
    assert wait.verdict == "held by something that sends no traces"
    assert set(wait.together) == {identity(2), identity(3)}
    # Two may go on at one moment by chance.
    assert not neighbours(waiting[0], [*quick(), waiting[1]]).waits


def test_a_slow_statement_is_no_wait() -> None:
    """It takes as long for everybody, or for one alone: nothing says that anybody else had a part in it."""
    every = [reservation(number, 900.0 * number, lock_ms=700) for number in range(1, 13)]
    assert all(not neighbours(each, every).waits for each in every)
    assert not neighbours(reservation(50, 5000, lock_ms=700), quick()).waits


def test_a_plain_read_waits_for_no_rows() -> None:
    """It reads beside a transaction that has rows locked: that one is not what it waits for."""
    holder = reservation(1, 1000, after_ms=800)
    waiting = reservation(2, 1100, lock_ms=705, text="SELECT sku FROM product WHERE sku = ANY(%s)")
    plain = [reservation(200 + n, 300.0 + n, text="SELECT sku FROM product WHERE sku = ANY(%s)") for n in range(10)]
    assert not neighbours(waiting, [*quick(), *plain, holder]).waits


def test_a_statement_that_was_given_up_had_waited() -> None:
    """lock_not_available says so itself, whoever held it."""
    given_up = trace(
        server("inventory", "POST /reservations", 1000, 4005, sql("inventory", LOCK, 1001, 4001, attributes={
            "db.system.name": "postgresql", "db.namespace": "inventory", "db.query.text": LOCK,
            "db.response.status_code": "55P03", "error.type": "55P03"}, status="error"), status=503),
        trace_id=identity(1),
    )  # fmt: skip
    (wait,) = neighbours(given_up, quick()).waits
    assert not wait.holders
    assert "given up at lock_timeout (55P03)" in wait.evidence[0]


def burst(size: int, hold_ms: float = 30.0, crowd: int = 14) -> list[Trace]:
    """Requests that come at once and go through a pool of `size` connections, one after the other."""
    made = []
    for number in range(crowd):
        begins = number // size * hold_ms + 2
        made.append(
            trace(
                server("inventory", "POST /reservations", number * 0.1, begins + hold_ms,
                       sql("inventory", LOCK, begins, 4), sql("inventory", SUM, begins + 4, hold_ms - 5)),
                trace_id=identity(number + 1),
            )
        )  # fmt: skip
    return made


@pytest.mark.parametrize("size", [1, 2])
def test_a_connection_was_held_by_those_before(size: int) -> None:
    """In a pool of so many connections the last ones wait for all before them, and the ones just before let go last."""
    every = burst(size)
    (wait,) = neighbours(every[-1], every).waits
    assert wait.kind == "pool"
    assert f"more than {size} request" in wait.evidence[0]
    (last,) = [holder.span.trace_id for holder in wait.holders if holder.let_go]
    assert last in {identity(number) for number in range(14 - 2 * size + 1, 14 - size + 1 + size)}


def test_a_pool_that_nobody_crowds_is_no_wait() -> None:
    """As many connections as requests: whatever the hole is, nobody held anything."""
    assert not neighbours(burst(14)[-1], burst(14)).waits


def worked(number: int, start: float, hole_ms: float, hog: bool) -> Trace:
    """A request of one interpreter: the hog runs code between two statements, others meet it anywhere."""
    first, second = (1.0, 1.0) if hog else (hole_ms, 1.0)
    gap = hole_ms if hog else 0.5
    lock, total = sql("inventory", LOCK, start + 1, first), sql("inventory", SUM, start + 1 + first + gap, second)
    whole = first + gap + second + 3
    return trace(server("inventory", "POST /reservations", start, whole, lock, total), trace_id=identity(number))


def busy_process() -> list[Trace]:
    """Four times: one at work between its statements, two that cannot go on meanwhile."""
    made = []
    for turn in range(4):
        start = 1000.0 * turn
        made.append(worked(10 * turn + 1, start, 300, hog=True))
        made += [worked(10 * turn + n, start - 3 + n * 0.1, 306, hog=False) for n in (2, 3)]
    return made


def test_a_busy_process_is_held_by_the_one_at_work() -> None:
    """The others name the trace whose own code ran; that one waited for nobody."""
    population = Population(busy_process())
    for each in busy_process():
        number = int(each.trace_id, 16)
        waits = population.of(each).waits
        if number % 10 == 1:
            assert not waits
            continue
        assert [wait.kind for wait in waits] == ["process"]
        assert [holder.span.trace_id for holder in waits[0].holders] == [identity(number // 10 * 10 + 1)]


def test_a_pause_before_another_try_is_no_wait_for_the_process() -> None:
    """Two customers' calls fail, and are tried again after the same pauses: nobody keeps the other waiting."""

    def failed(start: float) -> Node:
        one = call("order", "POST http://stock/reservations", start, 20, status=None)
        one.fields["status"] = "error"
        return one

    made = [
        trace(server("order", "POST /orders", 2 * number, 2000,
                     *(failed(2 * number + 10 + 320 * turn) for turn in range(6))), trace_id=identity(number))
        for number in (1, 2)
    ]  # fmt: skip
    population = Population(made)
    assert [wait.title for each in made for wait in population.of(each).waits] == []


@pytest.mark.parametrize("rate", [1, 2, 4, 8, 16])
@pytest.mark.parametrize(("hole_ms", "sum_ms"), [(300, 200), (300, 20), (120, 400), (1000, 300)])
def test_a_call_without_a_span_keeps_nobody_else_waiting(rate: int, hole_ms: float, sum_ms: float) -> None:
    """Requests at any rate, each at the same hole for a while, others in a slow statement: none takes longer for it."""
    dealer, start, made = random.Random(7), 0.0, []
    for number in range(1, 61):
        start += dealer.expovariate(rate) * 1000
        hole, second = hole_ms * dealer.uniform(0.8, 1.2), sum_ms * dealer.uniform(0.8, 1.2)
        lock, total = sql("inventory", LOCK, start + 2, 3), sql("inventory", SUM, start + 5 + hole, second)
        whole = hole + second + 8
        made.append(
            trace(server("inventory", "POST /reservations", start, whole, lock, total), trace_id=identity(number))
        )
    population = Population(made)
    assert [wait.title for each in made for wait in population.of(each).waits if wait.kind == "process"] == []
    assert list(Processes(made).at_work()) == []


def delivered(front: int, took: float) -> list[Trace]:
    """Messages that were all sent at once, and are taken one after the other."""
    made = []
    for number in range(front + 1):
        sender = trace(
            server("order", "POST /orders", 0, 10, span("order", "send order.confirmed", 2, 3, kind="producer")),
            trace_id=identity(number + 1),
        )
        sent = next(each for each in sender.spans if each.kind == "producer")
        receiver = span("worker", "process order.confirmed", 100 + number * 400, took, kind="consumer",
                        links=link(sender.trace_id, sent.span_id))  # fmt: skip
        made += [sender, trace(receiver, trace_id=identity(1000 + number))]
    return made


@pytest.mark.parametrize(("took", "words"), [(390.0, "busy"), (5.0, "did nothing")])
def test_a_message_is_behind_those_in_front(took: float, words: str) -> None:
    """The sender's trace and the receiver's tell it alike; whether the consumer worked or slept is told."""
    every = delivered(3, took)
    for number in (4, 1003):
        (wait,) = neighbours(next(each for each in every if each.trace_id == identity(number)), every).waits
        assert wait.kind == "queue"
        assert [holder.sent_by for holder in wait.holders] == [identity(3), identity(2), identity(1)]
        assert words in wait.evidence[1]


def test_without_others_there_are_no_neighbours() -> None:
    """One trace alone: a plain sentence, and the same as data."""
    found = neighbours(reservation(1, 0), [])
    assert found.waits == []
    assert found.verdict.startswith("it waited for nothing")
    assert json.loads(json.dumps(found.as_json()))["waits"] == []


def test_the_order_of_the_traces_does_not_matter() -> None:
    """Shuffled, and with the trace among the others: the same answer."""
    every = [*burst(1), *(reservation(100 + number, 5000 + 20.0 * number) for number in range(12))]
    wanted = neighbours(every[5], every).as_json()
    assert wanted["waits"]
    for seed in range(3):
        shuffled = list(every)
        random.Random(seed).shuffle(shuffled)
        assert neighbours(every[5], shuffled).as_json() == wanted


def test_odd_spans_do_no_harm() -> None:
    """Spans without time, without a statement, a consumer without a link, and all in one moment."""
    nodes: list[Node] = [
        *(server("a", "GET /", 0, 0), span("a", "x", 0, 0, kind="consumer"), sql("a", "FOR UPDATE", 0, 200)),
        *(span("", "", 5, 0, kind="producer"), sql("a", "UPDATE", 0, 200), sql("", "SELECT FROM", 0, 200)),
    ]
    assert neighbours(trace(*nodes), [trace(each, trace_id=identity(n)) for n, each in enumerate(nodes)]).waits == []
