"""The services that the order service calls."""

from typing import NamedTuple

from common.http_client import ServiceClient
from common.schemas import Item


class Reservation(NamedTuple):
    """What inventory reserved, and what it costs."""

    total_cents: int
    currency: str


class Inventory(ServiceClient):
    """The inventory service."""

    def __init__(self, url: str) -> None:
        super().__init__("inventory", url, timeout=9.0)

    def reserve(self, order_id: str, items: list[Item]) -> Reservation:
        """Reserve the items for the order; Problem 409 when there are too few, 422 for an unknown product."""
        body = {"order_id": order_id, "items": [item.model_dump() for item in items]}
        answer = self.call("POST", "/reservations", json=body)
        total = sum(item["quantity"] * item["price_cents"] for item in answer["items"])
        return Reservation(total, answer["currency"])

    def release(self, order_id: str) -> None:
        """Give the order's reservation back; harmless when there is none."""
        self.call("DELETE", f"/reservations/{order_id}")


class Payment(ServiceClient):
    """The payment service."""

    def __init__(self, url: str) -> None:
        super().__init__("payment", url, timeout=6.0)

    def charge(self, order_id: str, reservation: Reservation, card: str) -> None:
        """Charge the card for the reservation; Problem 402 when it is declined."""
        body = {
            "order_id": order_id,
            "amount_cents": reservation.total_cents,
            "currency": reservation.currency,
            "card": card,
        }
        self.call("POST", "/charges", json=body)
