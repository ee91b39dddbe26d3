"""The catalogue's cache, made to forget by those who change what it knows, or want it asked for."""

from collections.abc import Sequence

from redis import Redis

from workshop.stack.settings import Settings

SECONDS = 2
# What the gateway keeps: products, and pages of the catalogue.
KEYS = ("product:*", "page:*")


def forget(settings: Settings, skus: Sequence[str]) -> None:
    """Drop these products; RedisError when it does not answer."""
    with _client(settings) as cache:
        cache.delete(*(f"product:{sku}" for sku in skus))


def forget_all(settings: Settings) -> None:
    """Drop all that the gateway keeps, and nothing else; RedisError when it does not answer."""
    with _client(settings) as cache:
        for pattern in KEYS:
            if keys := list(cache.scan_iter(pattern, count=1000)):
                cache.delete(*keys)


def _client(settings: Settings) -> Redis:
    return Redis(port=settings.valkey_port, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
