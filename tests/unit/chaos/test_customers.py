"""Customers of a chaos run, at a gateway that answers from a list."""

import random
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from workshop.chaos import customers
from workshop.chaos.customers import FAILING_CARD, Checkout, Customers

# Status, body, headers.
Told = tuple[int, dict[str, Any], dict[str, str]]

BOUGHT: Told = (201, {"order_id": "1"}, {})
AWAY: Told = (503, {"reason": "database_away"}, {"Retry-After": "1"})
PENDING: Told = (504, {"order_id": "1", "order_status": "pending"}, {})
BUSY: Told = (409, {"reason": "in_progress", "order_id": "1"}, {"Retry-After": "2"})
DECLINED: Told = (402, {"order_id": "1"}, {})
REUSED: Told = (422, {"reason": "idempotency_key_reused"}, {})


class Scripted:
    """What the gateway answers, and the keys that it was asked with."""

    def __init__(self) -> None:
        self.answers: list[Told] = []
        self.keys: list[str | None] = []

    def answer(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        """The next answer; none is a connection that breaks."""
        self.keys.append(request.headers.get("Idempotency-Key"))
        if not self.answers:
            raise requests.ConnectionError
        status, body, headers = self.answers.pop(0)
        made = requests.Response()
        made.status_code = status
        made.headers.update(headers)
        made.json = lambda **_: body  # type: ignore[method-assign]
        return made


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """A gateway, and customers who lose no time."""
    scripted = Scripted()
    monkeypatch.setattr(HTTPAdapter, "send", scripted.answer)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(customers, "ASKED_AGAIN", 0)
    return scripted


def checkout(key: str | None, patience: float = 60) -> tuple[Checkout, Customers]:
    """One customer's checkout."""
    crowd = Customers(["http://gateway.test"], 100, 1, patience)
    chance = random.Random(1)
    return crowd._checkout("ann", key, chance), crowd


def test_a_careful_customer_repeats_with_the_same_key(gateway: Scripted) -> None:
    """Until an answer is final, whatever the others were."""
    gateway.answers = [AWAY, PENDING, BUSY, BOUGHT]
    made, crowd = checkout("a-key")
    assert made == Checkout("ann", "confirmed", "1", 3)
    assert gateway.keys == ["a-key"] * 4
    assert crowd.answers == {503: 1, 504: 1, 409: 1, 201: 1}


def test_a_customer_without_a_key_comes_again_only_when_invited(gateway: Scripted) -> None:
    """Anything else may have been an order."""
    gateway.answers = [AWAY, AWAY, PENDING, BOUGHT]
    made, _ = checkout(None)
    assert made == Checkout("ann", "unsure", "1", 2)
    assert gateway.keys == [None] * 3
    gateway.answers = []
    assert checkout(None)[0].outcome == "unsure"


def test_nobody_waits_for_ever(gateway: Scripted) -> None:
    """Patience has an end."""
    gateway.answers = [PENDING, PENDING]
    assert checkout("a-key", patience=-1)[0] == Checkout("ann", "gave up", "1", 0)


def test_a_card_that_always_fails_is_given_up(gateway: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second 502 is no better than the first."""
    monkeypatch.setattr(customers, "CARDS", {FAILING_CARD: 1})
    gateway.answers = [(502, {}, {}), (502, {}, {}), BOUGHT]
    assert checkout("a-key")[0] == Checkout("ann", "refused", None, 1)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([BOUGHT, BOUGHT], []),
        ([BOUGHT, BUSY], []),
        ([BOUGHT, AWAY], []),
        ([BOUGHT, DECLINED], ["ann was answered 201 (1), then 402 (1), with the same key and body"]),
        (
            [DECLINED, (402, {"order_id": "2"}, {})],
            ["ann was answered 402 (1), then 402 (2), with the same key and body"],
        ),
        ([REUSED, REUSED], ["ann was told that the key a-key was used for another order; it was not"] * 2),
    ],
)
def test_the_first_answer_stands(
    gateway: Scripted, monkeypatch: pytest.MonkeyPatch, answers: list[Told], said: list[str]
) -> None:
    """Whoever asks again, with the same key and body, is told the same, or nothing yet."""
    monkeypatch.setattr(customers, "ASKED_AGAIN", 1)
    gateway.answers = list(answers)
    _, crowd = checkout("a-key")
    assert crowd.wrong == said
    assert len(gateway.keys) == 2


def test_the_same_seed_makes_the_same_customers(gateway: Scripted) -> None:
    """Their kinds, keys and baskets."""
    seen = []
    for _ in range(2):
        gateway.keys = []
        crowd = Customers(["http://gateway.test"], 100, 1, -1, seed=7)
        stop = iter([False] * 20 + [True] * 9)
        crowd._stop.is_set = lambda stop=stop: next(stop)  # type: ignore[misc, method-assign]
        crowd.start()
        crowd.join()
        seen.append(list(gateway.keys))
    assert seen[0] == seen[1]
    assert None in seen[0] and len({*seen[0]}) > 5
