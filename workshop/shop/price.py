"""`spans price`: what a product costs from now on, in the catalogue and for whoever had looked it up before."""

from redis import RedisError

from workshop.shop import cache
from workshop.stack import database, own
from workshop.stack.errors import StackError
from workshop.stack.screen import complain, say

# The provider takes no more for a charge.
MOST_CENTS = 100_000_000
UPDATE = "UPDATE product SET price_cents = %(cents)s WHERE sku = %(sku)s RETURNING name, currency"


def price(sku: str, cents: int) -> None:
    """Change a product's price and drop its key in the cache; StackError when there is no such product."""
    if not 1 <= cents <= MOST_CENTS:
        raise StackError(f"CENTS is {cents}: a price is 1 to {MOST_CENTS} cents")
    settings = own.system()
    sku = sku.strip().upper()
    with database.inventory(settings) as connection:
        row = connection.execute(UPDATE, {"sku": sku, "cents": cents}).fetchone()
    if row is None:
        raise StackError(f"there is no product {sku!r}, and nothing was changed: SKU-00001 is one")
    name, currency = row
    say(f"{name} ({sku}) costs {cents // 100:,}.{cents % 100:02} {currency}.")
    try:
        # In this order: a price that is looked up between the two is dropped again.
        cache.forget(settings, [sku])
    except RedisError as error:
        complain(f"The cache could not be told ({error}); the page may show the old price for five minutes.")
