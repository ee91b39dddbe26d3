"""The plan of a chaos run, and what it makes of the customers' answers."""

import json

import pytest

from workshop.chaos import audit
from workshop.chaos.chaos import TheirOrder, reconcile
from workshop.chaos.customers import Checkout
from workshop.chaos.invariants import Verdict
from workshop.chaos.plan import DATABASES, GUNICORN, PAUSED, PROCESSES, make_plan


def test_the_same_seed_makes_the_same_plan() -> None:
    """That is what the seed is printed for."""
    assert make_plan(7, 60) == make_plan(7, 60)
    assert make_plan(7, 60) != make_plan(8, 60)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    """A failure can be looked for with more time."""
    short = make_plan(7, 30)
    assert make_plan(7, 300)[: len(short)] == short


def test_everything_is_broken_before_anything_is_broken_again() -> None:
    """A short run, too, meets every process once, and both databases' connections."""
    first = make_plan(3, 600)[: len(PROCESSES) + len(DATABASES)]
    assert {action.target for action in first if action.kind != "cut"} == set(PROCESSES)
    assert {action.target for action in first if action.kind == "cut"} == set(DATABASES)


def test_actions_say_what_they_need() -> None:
    """They come in order and within the run; a pause has a length, a gunicorn's kill one of its two processes."""
    plan = make_plan(1, 600)
    assert [action.at for action in plan] == sorted(action.at for action in plan)
    assert plan[-1].at < 600
    for action in plan:
        assert (PAUSED[0] <= action.seconds <= PAUSED[1]) == (action.kind == "pause")
        assert (action.part in ("master", "worker")) == (action.kind == "kill" and action.target in GUNICORN)
        assert action.target in str(action)


def test_answers_and_orders_that_agree() -> None:
    """An order that the worker settled counts as recovered; one who gave up may have an order or not."""
    checkouts = [
        Checkout("a", "confirmed", "1", 0),
        Checkout("b", "declined", "2", 0),
        Checkout("c", "gave up", None, 9),
        Checkout("d", "refused", "4", 0),
    ]
    orders = [
        TheirOrder("a", "0", "failed", True),
        TheirOrder("a", "1", "confirmed", False),
        TheirOrder("b", "2", "failed", False),
        TheirOrder("c", "3", "confirmed", True),
        TheirOrder("d", "4", "failed", False),
    ]
    result = reconcile(checkouts, orders)
    assert (result.recovered, result.lost) == (2, [])


@pytest.mark.parametrize(
    ("outcome", "orders", "said"),
    [
        ("confirmed", [], "a was told that 1 is confirmed; it is not"),
        ("confirmed", [("1", "failed")], "a was told that 1 is confirmed; it is not"),
        ("confirmed", [("2", "confirmed")], "a was told that 1 is confirmed; it is not"),
        ("confirmed", [("1", "confirmed"), ("2", "confirmed")], "a has bought once and has the orders 1, 2"),
        ("gave up", [("1", "confirmed"), ("2", "confirmed")], "a has bought once and has the orders 1, 2"),
        ("declined", [("1", "confirmed")], "a was declined, and has the order 1"),
        ("refused", [("1", "confirmed")], "a was refused, and has the order 1"),
    ],
)
def test_a_lost_checkout_is_named(outcome: str, orders: list[tuple[str, str]], said: str) -> None:
    """What was answered is not what there is."""
    there = [TheirOrder("a", order_id, status, False) for order_id, status in orders]
    assert reconcile([Checkout("a", outcome, "1", 0)], there).lost == [said]


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
