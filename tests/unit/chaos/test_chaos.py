"""The plan of a chaos run, and what it makes of the customers' answers."""

import json
from collections import Counter

import pytest

from workshop.chaos import audit
from workshop.chaos.chaos import KINDS, TheirOrder, reconcile
from workshop.chaos.customers import Checkout
from workshop.chaos.invariants import Verdict
from workshop.chaos.plan import DATABASES, GUNICORN, HANGING, OUTAGE_SECONDS, PROCESSES, ROWS, Ground, make_plan

LASTING = ("pause", "disconnect", "refuse", "lock")


def test_the_same_seed_makes_the_same_plan() -> None:
    """That is what the seed is printed for."""
    assert make_plan(7, 60) == make_plan(7, 60)
    assert make_plan(7, 60) != make_plan(8, 60)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    """A failure can be looked for with more time."""
    short = make_plan(7, 30)
    assert make_plan(7, 300)[: len(short)] == short


def test_everything_is_broken_before_anything_is_broken_again() -> None:
    """A short run, too, meets every process once, both databases' connections and rows, and a provider that hangs."""
    cards = len(PROCESSES) + len(DATABASES) + len(ROWS) + 1
    first = [action for action in make_plan(3, 600) if action.kind != "refuse"][:cards]
    found = Counter((action.kind if action.kind in ("cut", "lock") else "process", action.target) for action in first)
    expected = Counter(("process", name) for name in (*PROCESSES, "provider"))
    expected += Counter(("cut", name) for name in DATABASES) + Counter(("lock", name) for name in ROWS)
    assert found == expected
    assert max(action.seconds for action in first if action.target == "provider") >= HANGING[0]


def test_actions_say_what_they_need() -> None:
    """They come in order and within the run; what lasts has a length, a gunicorn's kill one of its two processes."""
    plan = make_plan(1, 600, Ground(PROCESSES, GUNICORN, ("order", "postgres")))
    assert [action.at for action in plan] == sorted(action.at for action in plan)
    assert plan[-1].at < 600
    assert {action.kind for action in plan} == set(KINDS)
    for action in plan:
        assert (action.seconds > 0) == (action.kind in LASTING)
        assert (action.part in ("master", "worker")) == (action.kind == "kill" and action.target in GUNICORN)
        assert action.target in str(action)


def test_a_database_refuses_for_half_a_minute_now_and_then() -> None:
    """From early on, and not so often that nobody ever buys."""
    outages = [action for action in make_plan(2, 600) if action.kind == "refuse"]
    assert {action.seconds for action in outages} == {OUTAGE_SECONDS}
    assert outages[0].at < 15
    assert 4 <= len(outages) <= 7
    assert {action.target for seed in range(9) for action in make_plan(seed, 60) if action.kind == "refuse"} == {
        "orders",
        "inventory",
    }


def test_processes_of_one_machine_are_not_disconnected() -> None:
    """Containers have networks of their own, processes have not."""
    assert all(action.kind != "disconnect" for action in make_plan(4, 600))
    there = Ground(("order", "order-2"), ("order",), ("order-2",))
    plan = make_plan(4, 600, there)
    assert {action.target for action in plan if action.kind == "disconnect"} == {"order-2"}
    assert {action.part for action in plan if action.target == "order-2"} == {""}


def test_answers_and_orders_that_agree() -> None:
    """An order that the worker settled counts as recovered; one without an answer may have an order or not."""
    checkouts = [
        Checkout("a", "confirmed", "1", 0),
        Checkout("b", "declined", "2", 0),
        Checkout("c", "gave up", None, 9),
        Checkout("d", "refused", "4", 0),
        Checkout("e", "unsure", None, 0),
        Checkout("f", "confirmed", "6", 0),
        Checkout("f", "confirmed", "7", 0),
        Checkout("g", "confirmed", "8", 0),
        Checkout("g", "gave up", None, 0),
    ]
    orders = [
        TheirOrder("a", "0", "failed", True),
        TheirOrder("a", "1", "confirmed", False),
        TheirOrder("b", "2", "failed", False),
        TheirOrder("c", "3", "confirmed", True),
        TheirOrder("d", "4", "failed", False),
        TheirOrder("f", "6", "confirmed", False),
        TheirOrder("f", "7", "confirmed", False),
        TheirOrder("g", "8", "confirmed", False),
        TheirOrder("g", "9", "confirmed", True),
    ]
    result = reconcile(checkouts, orders)
    assert (result.recovered, result.lost) == (3, [])


@pytest.mark.parametrize(
    ("outcomes", "orders", "said"),
    [
        (["confirmed"], [], "a was told that 0 is confirmed; it is not"),
        (["confirmed"], [("0", "failed")], "a was told that 0 is confirmed; it is not"),
        (["gave up"], [("1", "confirmed"), ("2", "confirmed")], "a was answered gave up, and has the orders 1, 2"),
        (["unsure"], [("1", "confirmed"), ("2", "confirmed")], "a was answered unsure, and has the orders 1, 2"),
        (["declined"], [("1", "confirmed")], "a was answered declined, and has the orders 1"),
        (["refused"], [("1", "confirmed")], "a was answered refused, and has the orders 1"),
        (
            ["confirmed"],
            [("0", "confirmed"), ("1", "confirmed")],
            "a was answered confirmed, and has the orders 0, 1",
        ),
        (
            ["confirmed", "declined"],
            [("0", "confirmed"), ("1", "confirmed")],
            "a was answered confirmed, declined, and has the orders 0, 1",
        ),
        (["confirmed", "confirmed"], [("0", "confirmed")], "a was told that 1 is confirmed; it is not"),
    ],
)
def test_a_lost_checkout_is_named(outcomes: list[str], orders: list[tuple[str, str]], said: str) -> None:
    """What was answered is not what there is; the nth checkout was told the order n."""
    there = [TheirOrder("a", order_id, status, False) for order_id, status in orders]
    assert reconcile([Checkout("a", each, str(n), 0) for n, each in enumerate(outcomes)], there).lost == [said]


def test_a_confirmed_order_that_is_another_one_is_named_twice() -> None:
    """What was told is not there, and what is there was not told."""
    lost = reconcile([Checkout("a", "confirmed", "1", 0)], [TheirOrder("a", "2", "confirmed", False)]).lost
    assert lost == [
        "a was told that 1 is confirmed; it is not",
        "a was answered confirmed, and has the orders 2",
    ]


def test_the_table_shows_five_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """And says how many more there are."""
    audit.show([Verdict("good", 10), Verdict("bad", 1234, [f"order {n}" for n in range(7)])])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["invariant", "checked", "violated"]
    assert lines[1].split() == ["good", "10", "0"]
    assert lines[2].split() == ["bad", "1,234", "7"]
    assert [line.strip() for line in lines[3:9]] == [*(f"order {n}" for n in range(5)), "and 2 more"]
    assert lines[-1] == "1 of 2 invariants violated."


def test_verdicts_as_data() -> None:
    """The same figures."""
    assert json.loads(audit.to_json([Verdict("bad", 2, ["x"], "mend it")])) == [
        {"invariant": "bad", "checked": 2, "violated": 1, "examples": ["x"], "what_to_do": "mend it"}
    ]


def test_the_table_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Of what is violated, and only of that."""
    audit.show([Verdict("good", 1, [], "nothing"), Verdict("bad", 2, ["x"], "mend it")])
    told = capsys.readouterr().out
    assert "    x\n    what to do: mend it\n" in told
    assert "nothing" not in told
