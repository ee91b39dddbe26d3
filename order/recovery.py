"""Settles the orders that whoever had them in hand has left: a process was killed, an answer was lost."""

import logging
from typing import NamedTuple

import psycopg
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation

from order import answers, faults, outbox, queues, store
from order.clients import Inventory, Payment
from order.headers import links

log = logging.getLogger(__name__)
tracer = trace.get_tracer("order.worker")


class Recovery(NamedTuple):
    """Brings pending orders to an end. `seconds` is longer than a request that is alive can take."""

    inventory: Inventory
    payment: Payment
    seconds: float

    def longest_turn(self, statement_seconds: float) -> float:
        """How long one settlement may take, in seconds: two calls, three statements, and a new connection."""
        return self.payment.timeout + self.inventory.timeout + 4 * statement_seconds

    def settle_next(self, connection: psycopg.Connection, waiting: queues.Queue[queues.LeftOrder]) -> bool:
        """Settle one order; False when none is left to settle. What fails is tried again, or set aside."""
        with suppress_instrumentation():
            order = waiting.take(connection)
        if order is None:
            return False
        try:
            # In a trace of its own, linked to the checkout's; an exception makes its status ERROR.
            with tracer.start_as_current_span(
                "SettleOrder", context=Context(), links=links(order.headers), attributes={"order.id": order.id}
            ):
                self.settle(connection, order.id)
        except Exception as error:
            if connection.closed:
                raise
            put_back(connection, order.id, error)
        return True

    def settle(self, connection: psycopg.Connection, order_id: str) -> None:
        """Confirm the order if its card was charged, else make sure that it never will be, and undo the rest."""
        charge = self.payment.settle(order_id)
        if charge.paid:
            outbox.confirm(connection, order_id, charge.paid)
            log.info("order %s confirmed late", order_id)
            return
        self.inventory.release(order_id)
        failure = answers.not_paid(charge)
        store.fail(connection, order_id, failure)
        log.info("order %s failed late: %s", order_id, failure.detail)


def put_back(connection: psycopg.Connection, order_id: str, error: Exception) -> None:
    """Note that the order could not be settled."""
    reason = faults.reason(error)
    with suppress_instrumentation():
        aside = queues.put_back_order(connection, order_id, reason, own=faults.is_its_own(error))
    told = "order %s is set aside: %s" if aside else "order %s cannot be settled yet: %s"
    log.log(logging.ERROR if aside else logging.WARNING, told, order_id, reason)
