"""How stock is reserved: lock, sum, check, write. All or nothing, and once an order."""

from typing import Any

from psycopg import Connection

from common.errors import Problem
from common.schemas import Item
from inventory import store


def reserve(connection: Connection, order_id: str, items: list[Item]) -> dict[str, Any]:
    """Reserve the items; returns the reservation, the first one when the call is a repetition.

    Problem 422 for a product that does not exist, 409 when there are too few pieces or when the order's
    reservation has been released.
    """
    skus = sorted(item.sku for item in items)
    with connection.transaction():
        products = store.lock_products(connection, skus)
        if unknown := [sku for sku in skus if sku not in products]:
            raise Problem(422, f"there is no product {', '.join(unknown)}", skus=unknown)
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


def _too_few(short: list[Item], on_hand: dict[str, int]) -> str:
    """One sentence that says what is missing."""
    return "; ".join(f"{item.sku}: {item.quantity} wanted, {on_hand.get(item.sku, 0)} on hand" for item in short)
