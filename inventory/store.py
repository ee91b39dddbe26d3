"""The inventory's SQL: catalogue, ledger, reservations."""

from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from common.schemas import Item

# In a file of its own, because the workshop asks PostgreSQL to explain this very statement.
SUM_ON_HAND = Path(__file__).with_name("sql").joinpath("on_hand.sql").read_text().strip()

LIST_PRODUCTS = """
SELECT sku, name, price_cents, currency
FROM product
WHERE sku > %(after)s
ORDER BY sku
LIMIT %(limit)s
"""

FIND_PRODUCTS = """
SELECT sku, name, price_cents, currency
FROM product
WHERE sku = ANY(%(skus)s)
ORDER BY sku
"""

# In sku order, so that two orders for the same products never wait for each other in a circle.
LOCK_PRODUCTS = """
SELECT sku, price_cents, currency
FROM product
WHERE sku = ANY(%(skus)s)
ORDER BY sku
FOR UPDATE
"""

# One statement for both tables: when the order has a reservation already, neither gets a row.
RESERVE = """
WITH reserved AS (
    INSERT INTO reservation (order_id, items, currency)
    VALUES (%(order_id)s, %(items)s, %(currency)s)
    ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id
)
INSERT INTO stock_movement (sku, quantity, reason, order_id)
SELECT taken.sku, -taken.quantity, 'sale', reserved.order_id
FROM reserved, unnest(%(skus)s::text[], %(quantities)s::integer[]) AS taken (sku, quantity)
"""

FIND_RESERVATION = """
SELECT order_id, items, currency, released_at IS NOT NULL AS released
FROM reservation
WHERE order_id = %(order_id)s
"""

# Where there is no reservation an empty, released one is left: one that is still on its way then comes too late.
RELEASE = """
WITH released AS (
    INSERT INTO reservation (order_id, items, currency, released_at)
    VALUES (%(order_id)s, '[]', '', now())
    ON CONFLICT (order_id) DO UPDATE SET released_at = now() WHERE reservation.released_at IS NULL
    RETURNING order_id, items
)
INSERT INTO stock_movement (sku, quantity, reason, order_id)
SELECT item.sku, item.quantity, 'return', released.order_id
FROM released, jsonb_to_recordset(released.items) AS item (sku text, quantity integer)
"""


class Product(NamedTuple):
    """A product's price, its row locked until the transaction ends."""

    sku: str
    price_cents: int
    currency: str


def list_products(connection: Connection, after: str, limit: int) -> list[dict[str, Any]]:
    """Products in sku order, those after `after`."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(LIST_PRODUCTS, {"after": after, "limit": limit}).fetchall()


def find_products(connection: Connection, skus: list[str]) -> list[dict[str, Any]]:
    """Those of the products that there are, in sku order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(FIND_PRODUCTS, {"skus": skus}).fetchall()


def lock_products(connection: Connection, skus: list[str]) -> dict[str, Product]:
    """The products by sku, locked against other reservations until the transaction ends."""
    with connection.cursor(row_factory=class_row(Product)) as cursor:
        rows = cursor.execute(LOCK_PRODUCTS, {"skus": skus})
        return {product.sku: product for product in rows}


def on_hand(connection: Connection, skus: list[str]) -> dict[str, int]:
    """Pieces on hand by sku; a product without movements is not in it."""
    return dict(connection.execute(SUM_ON_HAND, {"skus": skus}).fetchall())


def reserve(connection: Connection, order_id: str, items: list[Item], prices: dict[str, Product]) -> bool:
    """Take the items out of the ledger; False when the order has a reservation already."""
    priced = [{**item.model_dump(), "price_cents": prices[item.sku].price_cents} for item in items]
    cursor = connection.execute(
        RESERVE,
        {
            "order_id": order_id,
            "items": Jsonb(priced),
            "currency": prices[items[0].sku].currency,
            "skus": [item.sku for item in items],
            "quantities": [item.quantity for item in items],
        },
    )
    return cursor.rowcount > 0


def find_reservation(connection: Connection, order_id: str) -> dict[str, Any] | None:
    """The order's reservation: order_id, items, currency, released."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(FIND_RESERVATION, {"order_id": order_id}).fetchone()


def release(connection: Connection, order_id: str) -> bool:
    """Give a reservation's pieces back to the ledger, once; False when there was nothing (more) to give back."""
    return connection.execute(RELEASE, {"order_id": order_id}).rowcount > 0
