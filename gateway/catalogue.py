"""The catalogue's products, cache-aside: from the cache, and what that does not know from the inventory."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any, TypeVar

from pydantic import ValidationError

from common import deadline
from common.errors import Problem
from common.schemas import Item
from gateway import receipt
from gateway.answers import Product
from gateway.cache import Cache, page_key
from gateway.clients import Inventory

log = logging.getLogger(__name__)

# So much is looked up at once. More is not looked up: nobody waits for it, and a line of it would only grow.
MOST_LOOKUPS = 16
# Whoever has the rest of an answer waits no longer than this for what is looked up, in seconds.
PATIENCE_SECONDS = 0.1

T = TypeVar("T")


class Lookup:
    """What runs in another thread, and may come too late."""

    def __init__(self, future: "Future[T] | None") -> None:
        self._future = future

    def result(self) -> Any:
        """What it found; None when that does not come within PATIENCE_SECONDS, or the request's own time."""
        if self._future is None:
            return None
        left = deadline.remaining()
        try:
            return self._future.result(PATIENCE_SECONDS if left is None else max(0.0, min(PATIENCE_SECONDS, left / 2)))
        except TooLate:
            self.give_up()
        except Exception:  # nothing that goes wrong there may spoil the answer
            log.exception("a lookup failed")
        return None

    def give_up(self) -> None:
        """Nobody needs it any more; what has begun goes on, for the next."""
        if self._future is not None:
            self._future.cancel()


class Catalogue:
    """Looks products up beside whatever else a request does, in the threads of one executor."""

    def __init__(self, cache: Cache, inventory: Inventory) -> None:
        self._cache = cache
        self._inventory = inventory
        self._executor = ThreadPoolExecutor(MOST_LOOKUPS, thread_name_prefix="lookup")
        self._room = threading.BoundedSemaphore(MOST_LOOKUPS)

    def look_up(self, skus: list[str]) -> Lookup:
        """Begin to look up these products; the result is a dict of those that there are, by sku."""
        left = deadline.remaining()
        return self._begin(self._find, skus, None if left is None else time.monotonic() + left)

    def page(self, after: str | None, limit: str | None) -> dict[str, Any]:
        """A page of the catalogue; Problem when the inventory has to be asked and cannot."""
        key = page_key(after, limit)
        known: dict[str, Any] | None = self._begin(self._cache.page, key).result()
        if known is not None:
            return known
        page = self._inventory.products(after, limit)
        self._begin(self._keep_page, key, page)
        return page

    def _keep_page(self, key: str, page: dict[str, Any]) -> None:
        self._cache.keep_page(key, _read(page), page["next"])

    def receipt(self, items: list[Item], order: dict[str, Any], products: dict[str, Product]) -> list[dict[str, Any]]:
        """The lines of an order's receipt. The inventory's price counts: another one is not shown, and forgotten."""
        right = receipt.agrees(items, products, order)
        if right is False:
            log.info("forgets the prices of %s: they do not come to the order's total", ", ".join(sorted(products)))
            self._begin(self._cache.drop, list(products))
        return receipt.lines(items, products, priced=right is True)

    def _find(self, skus: list[str], until: float | None) -> dict[str, Product]:
        """The products that there are. `until` is when the request must be answered, on the monotonic clock."""
        found = self._cache.products(skus)
        missing = [sku for sku in skus if sku not in found]
        if missing:
            try:
                asked = _read(self._inventory.products_named(missing, until))
            except Problem as problem:
                log.info("looked up %d of %d products: %s", len(found), len(skus), problem.detail)
                return found
            # Nobody waits for that.
            self._begin(self._cache.keep, asked)
            found |= {product.sku: product for product in asked}
        return found

    def _begin(self, work: Callable[..., Any], *arguments: Any) -> Lookup:
        if not self._room.acquire(blocking=False):
            return Lookup(None)
        future = self._executor.submit(work, *arguments)
        future.add_done_callback(lambda _: self._room.release())
        return Lookup(future)


def _read(page: dict[str, Any]) -> list[Product]:
    """The products of the inventory's answer, as models; Problem 502 when it holds something else."""
    try:
        return [Product.model_validate(each) for each in page["products"]]
    except (ValidationError, TypeError, KeyError) as error:
        raise Problem(502, "inventory answered with what are no products") from error
