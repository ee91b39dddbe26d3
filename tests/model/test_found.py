"""What the model has found, step by step: the shortest way to each fault, once for every step where it may happen."""

from collections.abc import Iterator

import pytest

from .database import Database
from .provider import DECLINED_CARD, FAILING_CARD
from .shop import EVENTS, KILLED
from .test_model import CARDS, Customers

GOOD_CARD = "4242424242424242"
WHENEVER = range(13)
REFUSES = "the database orders refuses connections"


@pytest.fixture
def customers(database: Database) -> Iterator[Customers]:
    """Customers at a shop that is well; after the test it is so again, and everything must add up."""
    made = type("Customers", (Customers,), {"database": database})()
    try:
        yield made
    finally:
        made.teardown()


@pytest.mark.parametrize("attentive", [False, True])
@pytest.mark.parametrize("step", WHENEVER)
def test_nobody_is_told_that_nothing_was_begun_when_it_was(customers: Customers, step: int, attentive: bool) -> None:
    """The orders' database is lost, at any step; a customer without a key does what the answer invites to."""
    customers.buy_without_a_key(GOOD_CARD, False, attentive, {step: REFUSES}, None)


@pytest.mark.parametrize("step", WHENEVER)
def test_an_order_s_id_is_a_key_like_any_other(customers: Customers, step: int) -> None:
    """While that order is pending; it fails later."""
    customers.buy_with_a_key(GOOD_CARD, False, {step: "payment goes away"}, None)
    customers.meanwhile("everyone is back")
    customers.buy_with_an_orders_id_as_key(0, GOOD_CARD, {})


def test_the_id_of_an_order_that_failed_is_a_key_like_any_other(customers: Customers) -> None:
    """Its own key is free then, and nothing else is taken for it."""
    customers.buy_with_a_key(FAILING_CARD, False, {}, None)
    customers.buy_with_an_orders_id_as_key(0, GOOD_CARD, {})
    assert customers.shop.purchases[1].answers[0].status == 201


@pytest.mark.parametrize("step", WHENEVER)
@pytest.mark.parametrize("event", ["inventory goes away", REFUSES, KILLED])
def test_a_declined_card_stays_declined(customers: Customers, step: int, event: str) -> None:
    """Whatever keeps its stock from being given back; and the same key buys nothing with another card."""
    customers.buy_with_a_key(DECLINED_CARD, False, {step: event}, None)
    customers.shop.calm()
    customers.shop.settle()
    customers.use_the_key_for_something_else(0, GOOD_CARD, {})


@pytest.mark.parametrize("step", range(6))
def test_a_key_that_is_freed_meanwhile_is_nobody_else_s(customers: Customers, step: int) -> None:
    """Between two statements of the repetition the worker ends the first order."""
    customers.buy_with_a_key(FAILING_CARD, False, {8: "inventory goes away"}, None)
    customers.meanwhile("everyone is back")
    assert list(customers.database.states(customers.shop.purchases[0].mark).values()) == ["pending"]
    customers.come_again(0, {step: "the worker works"}, None)


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("event", [*EVENTS, KILLED])
def test_each_event_at_each_step(customers: Customers, event: str, card: str, long: bool) -> None:
    """Of a purchase of few pieces. A longer run tries all steps, a shorter one that where the card has been charged."""
    for step in WHENEVER if long else (11,):
        customers.meanwhile("everyone is back")
        customers.meanwhile("the databases take connections")
        customers.meanwhile("the stranger lets go")
        customers.buy_with_a_key(card, True, {step: event}, None)
