"""The catalogue's cache. It is never needed: whatever is wrong with it, it knows nothing, and the log says so once.

Values are JSON and each is checked when it is read: what is none of ours, or too old to be understood, is not there.
"""

import json
import logging
import random
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from circuitbreaker import CircuitBreaker
from pydantic import ValidationError
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.answers import Product
from gateway.bounded import bounded_pool

log = logging.getLogger(__name__)

# How long a product is kept, in seconds. Spread by a tenth, or what came together would be asked for together again.
KEEP_SECONDS = 300
SPREAD = 0.1
# After so many failures in a row nobody waits for it any more, for so many seconds.
FAILURES = 3
PAUSE_SECONDS = 5
MOST_CONNECTIONS = 32

T = TypeVar("T")


def product_key(sku: str) -> str:
    """The key of a product; whoever changes a price deletes it."""
    return f"product:{sku}"


def page_key(after: str | None, limit: str | None) -> str:
    """The key of a page of the catalogue, under which its skus are."""
    # No limit at all is another question than an empty one, which the inventory refuses.
    return f"page:{limit!r}:{after or ''}"


class Cache:
    """Valkey, or a Redis. Without a URL there is none, and nothing is known.

    Waits `connect_seconds` for a connection and `answer_seconds` for an answer. Each method may take both; one whose
    caller cannot wait that long is called in another thread.
    """

    def __init__(self, url: str, connect_seconds: float, answer_seconds: float) -> None:
        self._client: Redis | None = None
        if url:
            pool = bounded_pool(
                url,
                connect_seconds,
                answer_seconds,
                max_connections=MOST_CONNECTIONS,
                # What is late has cost enough: the inventory knows it, too.
                retry=Retry(NoBackoff(), 0),
                # Nothing is said at the begin of a connection but the commands.
                protocol=2,
                driver_info=None,
                decode_responses=False,
            )
            self._client = Redis(connection_pool=pool)
        self._breaker = CircuitBreaker(FAILURES, PAUSE_SECONDS, expected_exception=Exception)
        self._well = True

    def products(self, skus: list[str]) -> dict[str, Product]:
        """Those of the products that are known, by sku."""
        values = self._ask(lambda client: _whole(client.mget([product_key(sku) for sku in skus]), len(skus)))
        read = zip(skus, map(_read_product, values or ()), strict=False)
        return {sku: product for sku, product in read if product is not None and product.sku == sku}

    def keep(self, products: Iterable[Product]) -> None:
        """Remember products for some five minutes."""
        self._set({product_key(product.sku): product.model_dump_json() for product in products})

    def page(self, key: str) -> dict[str, Any] | None:
        """A page as GET /products answers it; None when it, or one of its products, is not known."""
        listed = _read_page(self._ask(lambda client: client.get(key)))
        if listed is None:
            return None
        skus, after = listed
        known = self.products(skus) if skus else {}
        if len(known) < len(skus):
            return None
        return {"products": [known[sku].model_dump() for sku in skus], "next": after}

    def keep_page(self, key: str, products: list[Product], after: str | None) -> None:
        """Remember a page: its skus under its own key, its products each under theirs."""
        listed = json.dumps({"skus": [product.sku for product in products], "next": after})
        self._set({key: listed, **{product_key(product.sku): product.model_dump_json() for product in products}})

    def drop(self, skus: list[str]) -> None:
        """Forget products."""
        self._ask(lambda client: client.delete(*map(product_key, skus)))

    def _set(self, values: dict[str, str]) -> None:
        def write(client: Redis) -> None:
            pipeline = client.pipeline(transaction=False)
            for key, value in values.items():
                pipeline.set(key, value, ex=round(KEEP_SECONDS * random.uniform(1 - SPREAD, 1 + SPREAD)))
            pipeline.execute()

        if values:
            self._ask(write)

    def _ask(self, work: Callable[[Redis], T]) -> T | None:
        """What `work` gives; None when the cache does not do it, or was away a moment ago."""
        if self._client is None or self._breaker.opened:
            return None
        try:
            with self._breaker:
                answer = work(self._client)
        except Exception as error:  # not the client's alone: who knows what it makes of a stranger's answers
            self._tell(error)
            return None
        self._tell(None)
        return answer

    def _tell(self, error: Exception | None) -> None:
        """Log that it is away, or there again: once."""
        if self._well == (error is None):
            return
        self._well = error is None
        if error is None:
            log.info("the cache answers again")
        else:
            log.warning(
                "the cache does not answer (%s: %s); the inventory is asked instead", type(error).__name__, error
            )


def _whole(values: Any, count: int) -> list[Any]:
    """The values of an MGET; ValueError when they are not as many as were asked for."""
    if not isinstance(values, list) or len(values) != count:
        raise ValueError("it answered MGET with something else")
    return values


def _read_product(value: Any) -> Product | None:
    try:
        return None if value is None else Product.model_validate_json(value, strict=True)
    except ValidationError:
        return None


def _read_page(value: Any) -> tuple[list[str], str | None] | None:
    """A page's skus, and after which one the next begins; None when it is none of ours."""
    try:
        page = json.loads(value)
        skus, after = page["skus"], page["next"]
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    good = isinstance(skus, list) and all(isinstance(each, str) for each in [*skus, after or ""])
    return (skus, after) if good else None
