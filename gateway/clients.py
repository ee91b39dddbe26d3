"""The services that the gateway calls."""

from typing import Any

from common.http_client import ServiceClient


class Orders(ServiceClient):
    """The order service."""

    def __init__(self, url: str) -> None:
        super().__init__("order", url, timeout=19.5)

    def place(self, order: dict[str, Any], idempotency_key: str) -> dict[str, Any]:
        """Place an order, once for each key; returns order_id, status, total_cents, currency."""
        return dict(self.call("POST", "/orders", json=order, headers={"Idempotency-Key": idempotency_key}))

    def find(self, order_id: str) -> dict[str, Any]:
        """An order; Problem 404 when there is none."""
        return dict(self.call("GET", f"/orders/{order_id}"))


class Inventory(ServiceClient):
    """The inventory service."""

    def __init__(self, url: str) -> None:
        super().__init__("inventory", url, timeout=12.0)

    def products(self, after: str | None, limit: str | None) -> dict[str, Any]:
        """A page of the catalogue."""
        return dict(self.call("GET", "/products", params={"after": after, "limit": limit}))

    def products_named(self, skus: list[str], until: float | None = None) -> dict[str, Any]:
        """Those of the products that there are, asked for until then on the monotonic clock: no request's thread is."""
        return dict(self.call("GET", "/products", params={"sku": skus}, until=until))
