"""What an order goes through: persisted, stock reserved, card charged, confirmed; or compensated."""

import logging
from typing import NamedTuple

from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind
from psycopg_pool import ConnectionPool

from common.errors import Problem
from common.schemas import Card, CustomerId, Items
from order import store
from order.clients import Inventory, Payment, Reservation

log = logging.getLogger(__name__)
tracer = trace.get_tracer("order")

TOPIC = "order.confirmed"


class NewOrder(Items):
    """The body of POST /orders."""

    customer_id: CustomerId
    card: Card


class OrderProcessor(NamedTuple):
    """Takes orders through their steps."""

    pool: ConnectionPool
    inventory: Inventory
    payment: Payment

    def process(self, order_id: str, order: NewOrder) -> Reservation:
        """Confirm the order or fail it; Problem when it failed, with the reason kept in the order."""
        attributes: dict[str, str | int] = {"order.id": order_id, "order.item_count": len(order.items)}
        # An exception that leaves this block is recorded on the span and makes its status ERROR.
        with tracer.start_as_current_span("ProcessOrder", attributes=attributes) as span:
            with self.pool.connection() as connection:
                items = [item.model_dump() for item in order.items]
                store.create(connection, order_id, order.customer_id, items)
            try:
                reservation = self.inventory.reserve(order_id, order.items)
            except Problem as problem:
                # A refusal took nothing; after any other answer there may be a reservation.
                self._fail(order_id, problem, release=problem.status >= 500)
                raise
            span.set_attribute("order.total_cents", reservation.total_cents)
            try:
                self.payment.charge(order_id, reservation, order.card)
            except Problem as problem:
                self._fail(order_id, problem, release=True)
                raise
            self._confirm(order_id, reservation)
        log.info("order %s confirmed", order_id, extra={"total_cents": reservation.total_cents})
        return reservation

    def _confirm(self, order_id: str, reservation: Reservation) -> None:
        """The confirmation and its message, in one transaction: neither can be there without the other."""
        with self.pool.connection() as connection, connection.transaction():
            store.confirm(connection, order_id, reservation.total_cents, reservation.currency)
            attributes = {
                "messaging.system": "postgresql",
                "messaging.destination.name": TOPIC,
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
            }
            with tracer.start_as_current_span(f"send {TOPIC}", kind=SpanKind.PRODUCER, attributes=attributes):
                headers: dict[str, str] = {}
                inject(headers)
                store.publish(connection, TOPIC, order_id, headers)

    def _fail(self, order_id: str, problem: Problem, *, release: bool) -> None:
        """Undo what was done: the stock goes back, the order says why it failed."""
        log.warning("order %s failed: %s", order_id, problem.detail)
        problem.extra["order_id"] = order_id
        if release:
            self.inventory.release(order_id)
        with self.pool.connection() as connection:
            store.fail(connection, order_id, str(problem.extra.get("reason") or problem.detail))
