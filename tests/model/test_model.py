"""Customers, faults and time in any order, against the services' real code: nothing is lost, and nobody pays twice.

ARGS="tests/model --hypothesis-profile=long" makes two thousand runs in some ten minutes, other ones each time; with
--hypothesis-seed=7 beside it they are the same again.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from workshop.chaos import records
from workshop.chaos.invariants import judge
from workshop.stack.settings import Settings

from .database import HOT, MARKS, Database
from .provider import DECLINED_CARD, FAILING_CARD
from .shop import EVENTS, KILLED, Interruptions, Purchase, Shop

CARDS = ("4242424242424242", DECLINED_CARD, FAILING_CARD)
# A checkout in which all is well has so many steps; what is planned for a later one happens where one has more.
STEPS = 16

# Where two work on one order is where most was found, so that they meet comes more often, too.
events = st.sampled_from(("the worker works", KILLED)) | st.sampled_from(EVENTS)
interruptions = st.dictionaries(st.integers(0, STEPS), events, max_size=2)
# A repetition has few, unless it is a new attempt.
early = st.dictionaries(st.integers(0, 3), events, max_size=2)
timeouts = st.sampled_from((None, None, None, None, 150, 255, 300, 2000))
number = st.integers(0, len(MARKS) - 1)


class Customers(RuleBasedStateMachine):
    """What anybody may do at any time."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.monkeypatch = pytest.MonkeyPatch()
        self.database.reset()
        self.shop = Shop(self.database, self.monkeypatch)

    def chosen(self, which: int) -> Purchase:
        """One of the purchases so far."""
        return self.shop.purchases[which % len(self.shop.purchases)]

    def new(self, card: str, hot: bool, key: str | None, attentive: bool = False) -> Purchase:
        """A purchase that is not sent yet."""
        mark = MARKS[len(self.shop.purchases)]
        items = [{"sku": sku, "quantity": 2} for sku in (mark, *([HOT] if hot else []))]
        made = Purchase(mark, {"customer_id": "ann", "items": items, "card": card}, key, attentive)
        self.shop.purchases.append(made)
        return made

    @precondition(lambda self: len(self.shop.purchases) < len(MARKS))
    @rule(card=st.sampled_from(CARDS), hot=st.booleans(), attentive=st.booleans(), plan=interruptions, timeout=timeouts)
    def buy_without_a_key(
        self, card: str, hot: bool, attentive: bool, plan: Interruptions, timeout: int | None
    ) -> None:
        """A customer who does not know of keys, or learns of them from an answer."""
        self.shop.buy(self.new(card, hot, None, attentive), plan, timeout)

    @precondition(lambda self: len(self.shop.purchases) < len(MARKS))
    @rule(card=st.sampled_from(CARDS), hot=st.booleans(), plan=interruptions, timeout=timeouts)
    def buy_with_a_key(self, card: str, hot: bool, plan: Interruptions, timeout: int | None) -> None:
        """A careful customer."""
        self.shop.buy(self.new(card, hot, self.shop.new_key()), plan, timeout)

    @precondition(lambda self: 0 < len(self.shop.purchases) < len(MARKS))
    @rule(which=number, card=st.sampled_from(CARDS), plan=interruptions)
    def buy_with_an_orders_id_as_key(self, which: int, card: str, plan: Interruptions) -> None:
        """A customer who takes the id of an earlier order for a key, once."""
        ids = [answer.told["order_id"] for answer in self.chosen(which).answers if "order_id" in answer.told]
        used = {purchase.key for purchase in self.shop.purchases}
        key = ids[-1] if ids and ids[-1] not in used else self.shop.new_key()
        self.shop.buy(self.new(card, False, key), plan)

    @precondition(lambda self: self.shop.purchases)
    @rule(which=number, plan=early | interruptions, timeout=timeouts)
    def come_again(self, which: int, plan: Interruptions, timeout: int | None) -> None:
        """The same request again: with its key always, without one where an answer invites to it."""
        purchase = self.chosen(which)
        if (purchase.key and not purchase.given_up) or self.shop.invited(purchase):
            self.shop.buy(purchase, plan, timeout)

    @precondition(lambda self: self.shop.purchases)
    @rule(which=number, card=st.sampled_from((None, *CARDS)), plan=interruptions)
    def use_the_key_for_something_else(self, which: int, card: str | None, plan: Interruptions) -> None:
        """Another card, or another basket."""
        purchase = self.chosen(which)
        if purchase.key and card != purchase.body["card"]:
            basket = [{"sku": purchase.mark, "quantity": 1}]
            self.shop.buy_something_else(purchase, {"card": card} if card else {"items": basket}, plan)

    @rule(event=st.sampled_from(EVENTS))
    def meanwhile(self, event: str) -> None:
        """Something happens between two requests."""
        self.shop.happen(event)

    @rule(plan=interruptions)
    def work(self, plan: Interruptions) -> None:
        """The worker's turn."""
        self.shop.work(plan)

    def teardown(self) -> None:
        """All is well again, and everything must add up."""
        try:
            self.shop.finish()
            audit(self.database.settings)
        finally:
            self.shop.close()
            self.monkeypatch.undo()


def audit(settings: Settings) -> None:
    """Every invariant of `spans audit`, over what was written down."""
    violated = {verdict.invariant: verdict.violations for verdict in judge(records.read(settings), 3600 * 24 * 365)}
    assert not any(violated.values()), violated


# How long a run is before all is well again.
STEPS_OF_A_RUN = 10


def test_nothing_is_lost(database: Database, long: bool) -> None:
    """Whatever happens, in whatever order. The same runs every time, unless somebody asks for more of them."""
    machine = type("Customers", (Customers,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=2000 if long else 25,
            stateful_step_count=STEPS_OF_A_RUN,
            deadline=None,
            derandomize=not long,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
