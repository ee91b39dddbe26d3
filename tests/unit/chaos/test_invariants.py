"""The audit's decisions, on records that are right but for one thing."""

from datetime import UTC, datetime

import pytest

from workshop.chaos.dead_letters import DeadLetter
from workshop.chaos.invariants import Verdict, judge
from workshop.chaos.records import Charge, Message, Movement, Order, Records, Reservation

A, B, C = "order-a", "order-b", "order-c"
ITEMS = [{"sku": "X", "quantity": 2}, {"sku": "Y", "quantity": 1}]
PRICED = [{**item, "price_cents": 100} for item in ITEMS]
SALES = [Movement("X", "sale", -2, 1), Movement("Y", "sale", -1, 1)]
RETURNS = [Movement("X", "return", 2, 1), Movement("Y", "return", 1, 1)]


def order(order_id: str, status: str, *, announced: bool = False, age: float = 5) -> Order:
    """An order for ITEMS."""
    total, currency = (300, "EUR") if status == "confirmed" else (None, None)
    return Order(order_id, status, ITEMS, total, currency, announced, age)


@pytest.fixture
def records() -> Records:
    """A confirmed order, a failed one whose stock was given back, and one that is in hand."""
    return Records(
        orders=[order(A, "confirmed", announced=True), order(B, "failed"), order(C, "pending")],
        reservations={A: Reservation(A, PRICED, "EUR", False), B: Reservation(B, PRICED, "EUR", True)},
        movements={A: list(SALES), B: [*SALES, *RETURNS]},
        on_hand={"X": 0, "Y": 7},
        charges={A: Charge(A, "captured", 300, "EUR"), B: Charge(B, "canceled", None, None)},
    )


def violated(records: Records) -> dict[str, list[str]]:
    """The invariants that are violated, and by what; nothing may be pending for more than 60 s."""
    return {verdict.invariant: verdict.violations for verdict in judge(records, 60) if verdict.violations}


def only(records: Records) -> tuple[str, str]:
    """The one invariant that is violated, and its one example."""
    ((invariant, (example,)),) = violated(records).items()
    return invariant, example


def test_what_is_right_violates_nothing(records: Records) -> None:
    """An order in hand is not looked at; every invariant looks at something."""
    assert violated(records) == {}
    assert [verdict.checked for verdict in judge(records, 60)] == [2, 1, 1, 1, 1, 1, 1, 2, 1, 3, 1, 3]


def test_below_zero(records: Records) -> None:
    """More pieces were sold than there were."""
    records.on_hand["X"] = -1
    assert only(records) == ("no product is below zero", "X: -1 on hand")


@pytest.mark.parametrize(
    ("reservation", "said"),
    [
        (None, "no reservation"),
        (Reservation(A, PRICED, "EUR", True), "its reservation was released"),
        (Reservation(A, PRICED[:1], "EUR", False), "reserved {'X': 2}, ordered {'X': 2, 'Y': 1}"),
    ],
)
def test_a_confirmed_order_without_its_reservation(
    records: Records, reservation: Reservation | None, said: str
) -> None:
    """None, one that was released, one for something else."""
    del records.reservations[A]
    if reservation:
        records.reservations[A] = reservation
        records.charges[A] = records.charges[A]._replace(amount=sum(100 * i["quantity"] for i in reservation.items))
        records.orders[0] = records.orders[0]._replace(total_cents=records.charges[A].amount)
    assert only(records) == (
        "a confirmed order has exactly one reservation, not released",
        f"order {A}: {said}",
    )


@pytest.mark.parametrize(
    ("movements", "said"),
    [
        ([], "took nothing, ordered {'X': 2, 'Y': 1}"),
        (SALES[:1], "took {'X': 2}, ordered {'X': 2, 'Y': 1}"),
        ([Movement("X", "sale", -4, 2), SALES[1]], "several sales of X"),
        ([Movement("X", "sale", -3, 1), SALES[1]], "took {'X': 3, 'Y': 1}, ordered {'X': 2, 'Y': 1}"),
        ([*SALES, *RETURNS], "given back: {} left of {'X': 2, 'Y': 1}"),
    ],
)
def test_a_confirmed_order_that_took_something_else(records: Records, movements: list[Movement], said: str) -> None:
    """Nothing, too little, twice, too much, or gave it back."""
    records.movements[A] = movements
    assert only(records) == ("a confirmed order took each of its items from the ledger once", f"order {A}: {said}")


@pytest.mark.parametrize(
    ("charge", "said"),
    [
        (None, "no charge"),
        (Charge(A, "canceled", None, None), "its charge is canceled"),
        (Charge(A, "captured", 299, "EUR"), "charged 299 EUR, its total is 300 EUR"),
        (Charge(A, "captured", 300, "USD"), "charged 300 USD, its total is 300 EUR"),
    ],
)
def test_a_confirmed_order_that_was_charged_otherwise(records: Records, charge: Charge | None, said: str) -> None:
    """Not at all, or another amount."""
    del records.charges[A]
    if charge:
        records.charges[A] = charge
    assert only(records) == ("a confirmed order was charged once, the right amount", f"order {A}: {said}")


def test_an_order_that_was_charged_twice(records: Records) -> None:
    """With another key, which only the payment service's reference tells; once more when that is no order's."""
    records.charges["again"] = Charge("again", "captured", 300, "EUR", A)
    said = f"order {A}: 300 EUR with the key {A} and 300 EUR with the key again"
    assert only(records) == ("no order is charged twice", said)
    records.charges["again"] = records.charges["again"]._replace(status="refunded")
    assert violated(records) == {}
    records.charges |= {key: Charge(key, "captured", 1, "EUR", "ghost") for key in ("ghost", "k-2")}
    assert violated(records) == {
        "no order is charged twice": ["order ghost: 1 EUR with the key ghost and 1 EUR with the key k-2"],
        "no charge is captured without an order": [
            "1 EUR captured for ghost, which is no order",
            "1 EUR captured for ghost, which is no order (with the key k-2)",
        ],
    }


def test_a_failed_order_that_was_charged_with_another_key(records: Records) -> None:
    """Its own charge is canceled, and its customer has paid all the same."""
    records.charges["other"] = Charge("other", "captured", 300, "EUR", B)
    assert only(records) == ("a failed order was not charged", f"order {B}: 300 EUR (with the key other) captured")


def test_a_total_that_is_not_the_price_of_its_items(records: Records) -> None:
    """Order and charge agree, the reservation does not."""
    records.orders[0] = records.orders[0]._replace(total_cents=1)
    records.charges[A] = Charge(A, "captured", 1, "EUR")
    assert only(records)[1] == f"order {A}: charged 1 EUR, its items cost 300 EUR"


def test_a_failed_order_that_keeps_something(records: Records) -> None:
    """Its stock, its reservation, or its customer's money."""
    records.movements[B] = [*SALES, RETURNS[0]]
    assert only(records) == ("a failed order keeps no stock", f"order {B}: still has {{'Y': 1}}")
    records.movements[B] = [*SALES, *RETURNS]
    records.reservations[B] = records.reservations[B]._replace(released=False)
    assert only(records)[1] == f"order {B}: its reservation is not released"
    records.reservations[B] = records.reservations[B]._replace(released=True)
    records.charges[B] = Charge(B, "captured", 300, "EUR")
    assert only(records) == ("a failed order was not charged", f"order {B}: 300 EUR captured")


def test_what_belongs_to_no_order(records: Records) -> None:
    """Stock, a reservation, a charge; what a newer order has is not meant, and what was given back neither."""
    records.movements["ghost"] = list(SALES)
    records.movements["given-back"] = [*SALES, *RETURNS]
    records.reservations["ghost-2"] = Reservation("ghost-2", PRICED, "EUR", False)
    records.charges["ghost"] = Charge("ghost", "captured", 300, "EUR")
    records.charges["declined"] = Charge("declined", "declined", None, None)
    assert violated(records) == {
        "no stock is taken without an order": [
            "{'X': 2, 'Y': 1} for ghost, which is no order",
            "a reservation for ghost-2, which is no order",
        ],
        "no charge is captured without an order": ["300 EUR captured for ghost, which is no order"],
    }
    records.newer = {"ghost", "ghost-2"}
    assert violated(records) == {}


def test_an_order_that_nobody_finishes(records: Records) -> None:
    """Only when it has been pending longer than the bound."""
    records.orders[2] = order(C, "pending", age=60.5)
    assert only(records) == ("no order is pending for more than 60 s", f"order {C}: pending for 60 s")


@pytest.mark.parametrize(
    ("announced", "ages", "said"),
    [
        (False, [1], None),
        (False, [61], "its message has been in the outbox for 61 s"),
        (False, [], "not announced, and no message in the outbox"),
        (True, [1], "1 messages in the outbox, already announced"),
        (False, [1, 2], "2 messages in the outbox, not yet announced"),
    ],
)
def test_the_announcement(records: Records, announced: bool, ages: list[float], said: str | None) -> None:
    """One message or one announcement, and no message that nobody delivers."""
    records.orders[0] = order(A, "confirmed", announced=announced)
    records.outbox = [Message(n, A, age) for n, age in enumerate(ages)]
    found = violated(records)
    assert found == ({"a confirmed order is announced, once, within 60 s": [f"order {A}: {said}"]} if said else {})


def test_what_must_not_be_announced(records: Records) -> None:
    """A failed order, and one that is not there."""
    records.orders[1] = order(B, "failed", announced=True)
    records.outbox = [Message(1, "ghost", 1)]
    assert violated(records) == {
        "a confirmed order is announced, once, within 60 s": [
            f"order {B}: announced, and failed",
            "a message in the outbox about ghost, which is no order",
        ]
    }


def test_a_charge_without_an_order_says_what_to_do(records: Records) -> None:
    """Of a failed one, too; once it was refunded there is nothing left to say."""
    records.charges["ghost"] = Charge("ghost", "captured", 390, "EUR")
    records.charges[B] = Charge(B, "captured", 390, "EUR")
    found = {each.violations[0]: each.remedy for each in judge(records, 60) if each.violations}
    assert set(found) == {f"order {B}: 390 EUR captured", "390 EUR captured for ghost, which is no order"}
    assert all("make refund ID=" in remedy for remedy in found.values())
    for each in ("ghost", B):
        records.charges[each] = Charge(each, "refunded", 390, "EUR")
    assert violated(records) == {}


def test_a_dead_letter(records: Records) -> None:
    """A message or an order that was set aside, with its reason and what to do."""
    now = datetime.now(UTC)
    records.outbox = [Message(7, A, 5)]
    records.orders[0] = records.orders[0]._replace(announced=False)
    records.dead_letters = [
        DeadLetter("message", "7", A, 5, "ValueError: it makes no sense", now),
        DeadLetter("order", C, C, 5, "KeyError: 'status'", now),
    ]
    (verdict,) = [each for each in judge(records, 60) if each.violations]
    assert verdict.violations == [
        f"message 7 about order {A}: set aside after 5 attempts: ValueError: it makes no sense",
        f"order {C}: set aside after 5 attempts: KeyError: 'status'",
    ]
    assert "make retry" in verdict.remedy
    assert verdict.checked == 4


def test_a_verdict_counts_what_it_checked() -> None:
    """The right rows, too."""
    verdict = Verdict("x")
    for fault in (None, "wrong", None):
        verdict.check(fault)
    assert (verdict.checked, verdict.violations) == (3, ["wrong"])
