"""What an order goes through: persisted, stock reserved, card charged, confirmed; or compensated."""

import logging
from typing import Any, NamedTuple

from opentelemetry import trace
from psycopg_pool import ConnectionPool

from common.errors import NOTHING_BEGUN, Problem
from common.schemas import Card, CustomerId, Items
from order import outbox, store
from order.clients import Inventory, Payment, Price

log = logging.getLogger(__name__)
tracer = trace.get_tracer("order")


class NewOrder(Items):
    """The body of POST /orders."""

    customer_id: CustomerId
    card: Card


class OrderProcessor(NamedTuple):
    """Takes orders through their steps.

    It may be killed between any two of them: the order is then still pending, and the worker settles it.
    """

    pool: ConnectionPool
    inventory: Inventory
    payment: Payment

    def process(self, order_id: str, idempotency_key: str, order: NewOrder) -> dict[str, Any]:
        """Confirm the order; returns order_id, status, total_cents, currency.

        A repetition, by its idempotency key, gets the first one's answer. Problem when the order failed.
        """
        attributes: dict[str, str | int] = {"order.id": order_id, "order.item_count": len(order.items)}
        # An exception that leaves this block makes the span's status ERROR.
        with tracer.start_as_current_span("ProcessOrder", attributes=attributes, record_exception=False) as span:
            items = [item.model_dump() for item in order.items]
            with self.pool.connection() as connection:
                if not store.create(connection, order_id, order.customer_id, idempotency_key, items):
                    return repeated(store.find_by_key(connection, order.customer_id, idempotency_key), items)
            price = None
            try:
                price = self.inventory.reserve(order_id, order.items)
                span.set_attribute("order.total_cents", price.total_cents)
                self.payment.charge(order_id, price, order.card)
            except Problem as problem:
                # Now, not when it leaves the span: undoing what was done takes its time, too.
                span.record_exception(problem)
                problem.extra["order_id"] = order_id
                price = self._settle(order_id, problem, reserved=price is not None)
            with self.pool.connection() as connection:
                outbox.confirm(connection, order_id, price)
        log.info("order %s confirmed", order_id, extra={"total_cents": price.total_cents})
        return confirmation(order_id, price)

    def _settle(self, order_id: str, problem: Problem, *, reserved: bool) -> Price:
        """After a step that failed: the price when the card was charged after all, else the problem, all undone."""
        log.warning("order %s: %s", order_id, problem.detail)
        try:
            if reserved and not refused(problem) and (price := self.payment.settle(order_id)):
                return price
            if reserved or not refused(problem):
                self.inventory.release(order_id)
        except Problem as second:
            problem.extra["order_status"] = "pending"
            log.warning("order %s stays pending, the worker will settle it: %s", order_id, second.detail)
            raise problem from second
        with self.pool.connection() as connection:
            store.fail(connection, order_id, problem.status, problem.detail, problem.extra)
        raise problem


def refused(problem: Problem) -> bool:
    """Whether the other side certainly did nothing; after any other answer, or none, it may have."""
    return problem.status < 500 or problem.extra.get("reason") in NOTHING_BEGUN


def confirmation(order_id: str, price: Price) -> dict[str, Any]:
    """The answer for a confirmed order."""
    return {"order_id": order_id, "status": "confirmed", **price._asdict()}


def repeated(first: dict[str, Any] | None, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer to a repetition: the first request's, also when that was a Problem."""
    if first is None or first["items"] != items:
        raise Problem(422, "this Idempotency-Key was used for another order", reason="idempotency_key_reused")
    if first["status"] == "confirmed":
        return confirmation(first["order_id"], Price(first["total_cents"], first["currency"]))
    if first["status"] == "failed":
        told = first["failure"]
        raise Problem(told["status"], told["detail"], **told["extra"])
    raise Problem(
        409,
        "the first request with this Idempotency-Key is still being worked on",
        headers={"Retry-After": "2"},
        reason="in_progress",
        order_id=first["order_id"],
    )
