"""What must always be true of the orders, as plain functions over the records: each gives what it checked."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from workshop.chaos import dead_letters, refund
from workshop.chaos.records import Charge, Movement, Order, Records

EXAMPLES = 5
CHARGED_TWICE = (
    "make refund ID=… with each key that is not the order's id gives that money back; then find out who charges "
    "with a key of its own: the order's id is what makes a repeated charge the same one"
)


@dataclass
class Verdict:
    """One invariant: how many rows were checked, a sentence for each that violates it, and what to do about those."""

    invariant: str
    checked: int = 0
    violations: list[str] = field(default_factory=list)
    remedy: str = ""

    def check(self, fault: str | None) -> None:
        """Count a row; `fault` says what is wrong with it, None when nothing is."""
        self.checked += 1
        if fault is not None:
            self.violations.append(fault)


def judge(records: Records, pending_seconds: float) -> list[Verdict]:
    """Every invariant's verdict, always in the same order."""
    confirmed = [order for order in records.orders if order.status == "confirmed"]
    failed = [order for order in records.orders if order.status == "failed"]
    return [
        never_below_zero(records),
        each("a confirmed order has exactly one reservation, not released", confirmed, records, reservation_fault),
        each("a confirmed order took each of its items from the ledger once", confirmed, records, sale_fault),
        each("a confirmed order was charged once, the right amount", confirmed, records, charge_fault),
        no_order_charged_twice(records),
        each("a failed order keeps no stock", failed, records, kept_stock),
        no_failed_order_charged(failed, records),
        no_stock_without_order(records),
        no_charge_without_order(records),
        nothing_stays_pending(records, pending_seconds),
        announced_once(records, pending_seconds),
        no_dead_letters(records),
    ]


def never_below_zero(records: Records) -> Verdict:
    """No product's ledger sums to less than nothing."""
    verdict = Verdict("no product is below zero")
    for sku, pieces in sorted(records.on_hand.items()):
        verdict.check(f"{sku}: {pieces} on hand" if pieces < 0 else None)
    return verdict


def each(
    invariant: str,
    orders: Iterable[Order],
    records: Records,
    fault: Callable[[Order, Records], str | None],
    remedy: str = "",
) -> Verdict:
    """The verdict of a function that looks at one order at a time."""
    verdict = Verdict(invariant, remedy=remedy)
    for order in orders:
        found = fault(order, records)
        verdict.check(found and f"order {order.id}: {found}")
    return verdict


def reservation_fault(order: Order, records: Records) -> str | None:
    """What is wrong with a confirmed order's reservation. The table's key sees to it that there is one at most."""
    reservation = records.reservations.get(order.id)
    if reservation is None:
        return "no reservation"
    if reservation.released:
        return "its reservation was released"
    if quantities(reservation.items) != quantities(order.items):
        return f"reserved {quantities(reservation.items)}, ordered {quantities(order.items)}"
    return None


def sale_fault(order: Order, records: Records) -> str | None:
    """What is wrong with what a confirmed order took."""
    movements = records.movements.get(order.id, [])
    if any(movement.reason != "sale" for movement in movements):
        return f"given back: {net(movements)} left of {quantities(order.items)}"
    if twice := [movement.sku for movement in movements if movement.entries > 1]:
        return f"several sales of {', '.join(sorted(twice))}"
    taken = {movement.sku: -movement.quantity for movement in movements}
    if taken != quantities(order.items):
        return f"took {taken or 'nothing'}, ordered {quantities(order.items)}"
    return None


def charge_fault(order: Order, records: Records) -> str | None:
    """What is wrong with a confirmed order's charge. The provider keeps one answer for each key, the order's id."""
    charge = records.charges.get(order.id)
    if charge is None:
        return "no charge"
    if charge.status != "captured":
        return f"its charge is {charge.status}"
    if (charge.amount, charge.currency) != (order.total_cents, order.currency):
        return f"charged {charge.amount} {charge.currency}, its total is {order.total_cents} {order.currency}"
    reservation = records.reservations.get(order.id)
    if reservation is not None and all("price_cents" in item for item in reservation.items):
        price = sum(item["quantity"] * item["price_cents"] for item in reservation.items)
        if (price, reservation.currency) != (charge.amount, charge.currency):
            return f"charged {charge.amount} {charge.currency}, its items cost {price} {reservation.currency}"
    return None


def captured(records: Records) -> dict[str, list[Charge]]:
    """The captured charges of each order, whatever keys they were made with."""
    by_order: dict[str, list[Charge]] = defaultdict(list)
    for charge in records.charges.values():
        if charge.status == "captured":
            by_order[charge.order_id].append(charge)
    return by_order


def no_order_charged_twice(records: Records) -> Verdict:
    """One charge is captured for an order at most."""
    verdict = Verdict("no order is charged twice", remedy=CHARGED_TWICE)
    for order_id, charges in sorted(captured(records).items()):
        told = " and ".join(f"{charge.amount} {charge.currency} with the key {charge.key}" for charge in charges)
        verdict.check(f"order {order_id}: {told}" if len(charges) > 1 else None)
    return verdict


def kept_stock(order: Order, records: Records) -> str | None:
    """What a failed order still has of the stock."""
    if left := net(records.movements.get(order.id, [])):
        return f"still has {left}"
    reservation = records.reservations.get(order.id)
    return "its reservation is not released" if reservation and not reservation.released else None


def no_failed_order_charged(failed: list[Order], records: Records) -> Verdict:
    """A failed order's customer has paid nothing, whatever keys the charges were made with."""
    verdict = Verdict("a failed order was not charged", remedy=refund.WHAT_TO_DO)
    paid = captured(records)
    for order in failed:
        told = " and ".join(f"{charge.amount} {charge.currency}{with_key(charge)}" for charge in paid.get(order.id, []))
        verdict.check(f"order {order.id}: {told} captured" if told else None)
    return verdict


def with_key(charge: Charge) -> str:
    """What is to be said of a charge's key: nothing, unless it is not its order's id."""
    return "" if charge.key == charge.order_id else f" (with the key {charge.key})"


def no_stock_without_order(records: Records) -> Verdict:
    """Whatever was taken or reserved belongs to an order."""
    verdict = Verdict("no stock is taken without an order")
    known = {order.id for order in records.orders} | records.newer
    for order_id in sorted(records.movements.keys() | records.reservations.keys()):
        reservation = records.reservations.get(order_id)
        left = net(records.movements.get(order_id, []))
        if order_id not in known and (left or (reservation and not reservation.released)):
            verdict.check(f"{left or 'a reservation'} for {order_id}, which is no order")
        else:
            verdict.check(None)
    return verdict


def no_charge_without_order(records: Records) -> Verdict:
    """Whatever was captured belongs to an order."""
    verdict = Verdict("no charge is captured without an order", remedy=refund.WHAT_TO_DO)
    known = {order.id for order in records.orders} | records.newer
    for charge in records.charges.values():
        if charge.status == "captured":
            missing = charge.order_id not in known
            money = f"{charge.amount} {charge.currency}"
            told = f"{money} captured for {charge.order_id}, which is no order{with_key(charge)}"
            verdict.check(told if missing else None)
    return verdict


def nothing_stays_pending(records: Records, seconds: float) -> Verdict:
    """Somebody finishes every order."""
    verdict = Verdict(f"no order is pending for more than {seconds:g} s")
    for order in records.orders:
        late = order.status == "pending" and order.age > seconds
        verdict.check(f"order {order.id}: pending for {order.age:.0f} s" if late else None)
    return verdict


def announced_once(records: Records, seconds: float) -> Verdict:
    """A confirmed order has its message in the outbox, or has been announced: one of the two, never both.

    Confirmation and message are one transaction, delivery and mark another; and these rows are of one moment.
    """
    verdict = Verdict(f"a confirmed order is announced, once, within {seconds:g} s")
    messages = Counter(message.order_id for message in records.outbox)
    oldest = {message.order_id: message.age for message in sorted(records.outbox, key=lambda message: message.age)}
    for order in records.orders:
        if order.status == "confirmed" or order.announced or messages[order.id]:
            fault = announcement_fault(order, messages.pop(order.id, 0), oldest.get(order.id, 0), seconds)
            verdict.check(fault and f"order {order.id}: {fault}")
    for order_id in messages:
        verdict.check(f"a message in the outbox about {order_id}, which is no order")
    return verdict


def no_dead_letters(records: Records) -> Verdict:
    """The worker has given nothing up: no message, and no pending order."""
    verdict = Verdict("no message and no order is set aside", remedy=dead_letters.WHAT_TO_DO)
    for each in records.dead_letters:
        verdict.check(str(each))
    verdict.checked += len(records.outbox) + len(records.orders) - len(records.dead_letters)
    return verdict


def announcement_fault(order: Order, messages: int, age: float, seconds: float) -> str | None:
    """What is wrong with an order's announcement; `age` is its oldest message's, in seconds."""
    if order.status != "confirmed":
        return f"announced, and {order.status}"
    if messages > 1 or (messages and order.announced):
        return f"{messages} messages in the outbox, {'already' if order.announced else 'not yet'} announced"
    if not messages and not order.announced:
        return "not announced, and no message in the outbox"
    return f"its message has been in the outbox for {age:.0f} s" if age > seconds else None


def quantities(items: list[dict[str, object]]) -> dict[object, object]:
    """Pieces by sku."""
    return {item["sku"]: item["quantity"] for item in items}


def net(movements: list[Movement]) -> dict[str, int]:
    """Pieces taken and not given back, by sku; a negative number were given back too often."""
    total: Counter[str] = Counter()
    for movement in movements:
        total[movement.sku] -= movement.quantity
    return {sku: pieces for sku, pieces in sorted(total.items()) if pieces}
