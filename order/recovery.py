"""Settles the orders that whoever had them in hand has left: a process was killed, an answer was lost."""

import logging
from typing import NamedTuple

import psycopg
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation

from common.errors import Problem
from order import answers, outbox, store
from order.clients import Inventory, Payment

log = logging.getLogger(__name__)
tracer = trace.get_tracer("order.worker")


class Recovery(NamedTuple):
    """Brings pending orders to an end. `seconds` is longer than a request that is alive can take."""

    inventory: Inventory
    payment: Payment
    seconds: float

    def settle_next(self, connection: psycopg.Connection) -> bool:
        """Settle one order; False when none is left to settle."""
        with suppress_instrumentation():
            order_id = store.take_stale(connection, self.seconds)
        if order_id is None:
            return False
        with tracer.start_as_current_span("SettleOrder", context=Context(), attributes={"order.id": order_id}):
            try:
                self.settle(connection, order_id)
            except Problem as problem:
                log.warning("order %s cannot be settled yet: %s", order_id, problem.detail)
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
