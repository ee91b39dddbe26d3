"""The services that the order service calls."""

from typing import NamedTuple

from common.http_client import ServiceClient
from common.schemas import Item


class Price(NamedTuple):
    """What an order costs."""

    total_cents: int
    currency: str


class Inventory(ServiceClient):
    """The inventory service."""

    def __init__(self, url: str) -> None:
        super().__init__("inventory", url, timeout=9.0)

    def reserve(self, order_id: str, items: list[Item]) -> Price:
        """Reserve the items for the order; Problem 409 when there are too few, 422 for an unknown product."""
        body = {"order_id": order_id, "items": [item.model_dump() for item in items]}
        answer = self.call("POST", "/reservations", json=body)
        total = sum(item["quantity"] * item["price_cents"] for item in answer["items"])
        return Price(total, answer["currency"])

    def release(self, order_id: str) -> None:
        """Give the order's reservation back; where there is none, none can be made any more."""
        self.call("DELETE", f"/reservations/{order_id}")


class Payment(ServiceClient):
    """The payment service."""

    def __init__(self, url: str) -> None:
        super().__init__("payment", url, timeout=6.0)

    def charge(self, order_id: str, price: Price, card: str) -> None:
        """Charge the card once for this order; Problem 402 when it is declined."""
        body = {
            "order_id": order_id,
            "amount_cents": price.total_cents,
            "currency": price.currency,
            "card": card,
        }
        self.call("POST", "/charges", json=body)

    def settle(self, order_id: str) -> Price | None:
        """What the order was charged; None when it was not, and from now on cannot be."""
        answer = self.call("POST", f"/charges/{order_id}/cancel")
        if answer["status"] != "captured":
            return None
        return Price(answer["amount_cents"], answer["currency"])
