"""How stock is reserved: lock, sum, check, write. All or nothing, and once an order."""

from typing import Any

from psycopg import Connection

from common.errors import Problem
from common.schemas import MOST_CENTS, Item
from inventory import store


def reserve(connection: Connection, order_id: str, items: list[Item]) -> dict[str, Any]:
    """Reserve the items; returns the reservation, the first one when the call is a repetition.

    Problem 422 for a product that does not exist, several currencies or too high a price, 409 when there are too few
    pieces or when the order's reservation has been released.

    It relies on READ COMMITTED, which common.database pins: the sum is taken over what is there once the locks are
    held, not over what was there when they were asked for.
    """
    skus = sorted(item.sku for item in items)
    with connection.transaction():
        products = store.lock_products(connection, skus)
        if unknown := [sku for sku in skus if sku not in products]:
            raise Problem(422, f"there is no product {', '.join(unknown)}", skus=unknown)
        check_price(items, products)
        on_hand = store.on_hand(connection, skus)
        short = [item for item in items if on_hand.get(item.sku, 0) < item.quantity]
        if not short and store.reserve(connection, order_id, items, products):
            return {
                "order_id": order_id,
                "items": [{**item.model_dump(), "price_cents": products[item.sku].price_cents} for item in items],
                "currency": products[skus[0]].currency,
            }
        reservation = store.find_reservation(connection, order_id)
    if reservation is None:
        raise Problem(409, _too_few(short, on_hand), reason="out_of_stock")
    if reservation.pop("released"):
        raise Problem(409, "this order's reservation has been released", reason="released")
    return reservation


def check_price(items: list[Item], products: dict[str, store.Product]) -> None:
    """Problem 422 when the items cannot be paid with one charge."""
    by_currency = {products[item.sku].currency: item.sku for item in items}
    if len(by_currency) > 1:
        told = ", ".join(f"{sku} costs {currency}" for currency, sku in sorted(by_currency.items()))
        detail = f"an order is paid in one currency: {told}"
        raise Problem(422, detail, reason="several_currencies", skus=sorted(by_currency.values()))
    total = sum(item.quantity * products[item.sku].price_cents for item in items)
    if total > MOST_CENTS:
        (currency,) = by_currency
        most, wanted = (f"{cents // 100:,}.{cents % 100:02} {currency}" for cents in (MOST_CENTS, total))
        raise Problem(422, f"the items cost {wanted}: one order may cost {most} at most", reason="too_expensive")


def _too_few(short: list[Item], on_hand: dict[str, int]) -> str:
    """One sentence that says what is missing."""
    return "; ".join(f"{item.sku}: {item.quantity} wanted, {on_hand.get(item.sku, 0)} on hand" for item in short)
