"""The services that the order service calls."""

from typing import NamedTuple

from pydantic import SecretStr

from common.errors import Problem
from common.http_client import ServiceClient
from common.schemas import Item

# What a step leaves of the request's time, in seconds: to undo it when it fails, and to write down how it ended.
UNDO_SECONDS = 0.1


class Price(NamedTuple):
    """What an order costs."""

    total_cents: int
    currency: str


class Charge(NamedTuple):
    """What became of an order's charge: `paid` when it was captured, `declined` when the card was; else it is canceled.

    `declined` is what the provider said. None of it will change.
    """

    paid: Price | None = None
    declined: str | None = None


class Inventory(ServiceClient):
    """The inventory service."""

    def __init__(self, url: str, secret: SecretStr, timeout: float) -> None:
        super().__init__("inventory", url, timeout=timeout, secret=secret)

    def reserve(self, order_id: str, items: list[Item]) -> Price:
        """Reserve the items for the order.

        Problem 409 when there are too few; 422 for an unknown product, several currencies, or too high a price.
        """
        body = {"order_id": order_id, "items": [item.model_dump() for item in items]}
        try:
            answer = self.call("POST", "/reservations", json=body, keep=UNDO_SECONDS, passed_on=(409, 422))
        except Problem as problem:
            if problem.extra.get("reason") == "released":
                # The worker has taken the order for abandoned. That is no fault of the customer's.
                raise Problem(503, problem.detail) from problem
            raise
        total = sum(item["quantity"] * item["price_cents"] for item in answer["items"])
        return Price(total, answer["currency"])

    def release(self, order_id: str) -> None:
        """Give the order's reservation back; where there is none, none can be made any more."""
        self.call("DELETE", f"/reservations/{order_id}", passed_on=())


class Payment(ServiceClient):
    """The payment service."""

    def __init__(self, url: str, secret: SecretStr, timeout: float) -> None:
        super().__init__("payment", url, timeout=timeout, secret=secret)

    def charge(self, order_id: str, price: Price, card: str) -> None:
        """Charge the card once for this order; Problem 402 when it is declined."""
        body = {
            "order_id": order_id,
            "amount_cents": price.total_cents,
            "currency": price.currency,
            "card": card,
        }
        self.call("POST", "/charges", json=body, keep=UNDO_SECONDS, passed_on=(402,))

    def settle(self, order_id: str) -> Charge:
        """See to it that the order's charge is decided: when it was not, it is canceled and cannot be made any more."""
        answer = self.call("POST", f"/charges/{order_id}/cancel", passed_on=())
        if answer["status"] == "captured":
            return Charge(paid=Price(answer["amount_cents"], answer["currency"]))
        return Charge(declined=answer["message"]) if answer["status"] == "declined" else Charge()
