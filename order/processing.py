"""What an order goes through: persisted, stock reserved, card charged, confirmed; or compensated."""

import logging
from typing import Any, NamedTuple

import psycopg
from opentelemetry import trace

from common import database, deadline
from common.digests import Digests
from common.errors import NO_TIME, Problem
from common.patience import MARGIN_SECONDS
from common.schemas import Card, CustomerId, Items
from order import answers, headers, outbox, store
from order.clients import UNDO_SECONDS, Inventory, Payment, Price

log = logging.getLogger(__name__)
tracer = trace.get_tracer("order")

# With less of its time left, in seconds, a request could not even ask for its stock.
LEAST_SECONDS = UNDO_SECONDS + 2 * MARGIN_SECONDS
# How often a key is looked at whose order is neither there nor can be made: its owner has freed it in between.
KEY_ATTEMPTS = 5


class NewOrder(Items):
    """The body of POST /orders."""

    customer_id: CustomerId
    card: Card


class OrderProcessor(NamedTuple):
    """Takes orders through their steps.

    It may be killed between any two of them: the order is then still pending, and the worker settles it.
    """

    pool: database.Pool
    inventory: Inventory
    payment: Payment
    digests: Digests

    def process(self, order_id: str, idempotency_key: str, order: NewOrder) -> dict[str, Any]:
        """Confirm the order; returns order_id, status, total_cents, currency.

        A repetition, by its idempotency key, gets the first one's answer. Problem when the order failed, or, when its
        order_status is pending, is not decided yet.
        """
        attributes: dict[str, str | int] = {"order.id": order_id, "order.item_count": len(order.items)}
        # An exception that leaves this block makes the span's status ERROR.
        with tracer.start_as_current_span("ProcessOrder", attributes=attributes, record_exception=False) as span:
            if (left := deadline.remaining()) is not None and left < LEAST_SECONDS:
                raise Problem(504, "no time was left for this order", reason=NO_TIME)
            first = self._write_down(order_id, idempotency_key, order)
            if first is not None:
                return self._repeated(first, order)
            log.info("order %s received from %s", order_id, order.customer_id)
            try:
                price = self._carry_out(span, order_id, order)
            except Exception as error:
                told = self._not_confirmed(order_id, error)
                if told is error:
                    raise
                raise told from error
        log.info("order %s confirmed: %.2f %s", order_id, price.total_cents / 100, price.currency)
        return answers.confirmation(order_id, price)

    def _write_down(self, order_id: str, idempotency_key: str, order: NewOrder) -> dict[str, Any] | None:
        """Make the pending order; the customer's earlier one with this key instead when there is one."""
        items, digest = order.model_dump()["items"], self.digests.of(order)
        context = headers.current()
        tried = False

        def write(connection: psycopg.Connection) -> dict[str, Any] | None:
            nonlocal tried
            tried = True
            for _ in range(KEY_ATTEMPTS):
                if store.create(connection, order_id, order.customer_id, idempotency_key, items, context, digest):
                    return None
                if first := store.find_by_key(connection, order.customer_id, idempotency_key):
                    # Our own when the first attempt wrote it, and its connection broke.
                    return None if str(first["order_id"]) == order_id else first
            retry = {"Retry-After": "2"}
            raise Problem(409, "others are using this Idempotency-Key", headers=retry, reason="in_progress")

        try:
            return database.repeat(self.pool, write, begun=False)
        except psycopg.OperationalError as error:
            if not tried:
                raise
            # It may be written all the same. Nobody is asked for anything, so all that can come of it is a failure.
            raise answers.about(database.unavailable(self.pool, error), order_id, "pending") from error

    def _repeated(self, first: dict[str, Any], order: NewOrder) -> dict[str, Any]:
        """The answer to a repetition; Problem 422 when it is none, but another request with the same key."""
        if first["items"] != order.model_dump()["items"] or self.digests.differs(order, first["request_digest"]):
            raise Problem(422, "this Idempotency-Key was used for another order", reason="idempotency_key_reused")
        return answers.repeated(first)

    def _carry_out(self, span: trace.Span, order_id: str, order: NewOrder) -> Price:
        """Every step, the order being written down; what it cost."""
        price = None
        try:
            price = self.inventory.reserve(order_id, order.items)
            span.set_attribute("order.total_cents", price.total_cents)
            self.payment.charge(order_id, price, order.card)
        except Problem as problem:
            # Now, not when it leaves the span: undoing what was done takes its time, too.
            span.record_exception(problem)
            price = self._settle(order_id, problem, reserved=price is not None)
        database.repeat(self.pool, lambda connection: outbox.confirm(connection, order_id, price))
        return price

    def _settle(self, order_id: str, problem: Problem, *, reserved: bool) -> Price:
        """After a step that failed: the price when the card was charged after all, else the problem, all undone."""
        log.warning("order %s: %s", order_id, problem.detail)
        unsure = not problem.refused
        try:
            if reserved and unsure:
                charge = self.payment.settle(order_id)
                if charge.paid:
                    return charge.paid
                problem = answers.not_paid(charge) if charge.declined or problem.status < 500 else problem
            if reserved or unsure:
                self.inventory.release(order_id)
        except Problem as second:
            log.warning("order %s stays pending, the worker will settle it: %s", order_id, second.detail)
            raise problem from second

        def fail(connection: psycopg.Connection) -> dict[str, Any] | None:
            return None if store.fail(connection, order_id, problem) else store.find_first(connection, order_id)

        if first := database.repeat(self.pool, fail):
            # The worker was quicker. Its word stands.
            confirmed = answers.repeated(first)
            return Price(confirmed["total_cents"], confirmed["currency"])
        raise answers.about(problem, order_id, "failed")

    def _not_confirmed(self, order_id: str, error: Exception) -> Problem:
        """What the client is told after `error`, with the order's id and status. One that is not decided is left for
        the worker, which need not wait: nobody works on it any more.
        """
        if isinstance(error, psycopg.OperationalError):
            return answers.about(database.unavailable(self.pool, error), order_id, "pending")
        if isinstance(error, Problem):
            problem = error
            if "order_status" in problem.extra:
                return problem
        else:
            log.exception("unexpected error with order %s", order_id)
            trace.get_current_span().record_exception(error)
            problem = Problem(500, "an unexpected error; the service's log has it")
        try:
            with self.pool.connection() as connection:
                store.leave(connection, order_id, problem)
        except psycopg.OperationalError as away:
            log.warning("order %s: nobody is told that it was left (%s)", order_id, type(away).__name__)
            # A customer's failure stands once it is written down, and not before.
            problem = problem if problem.status >= 500 else answers.undecided()
        return answers.about(problem, order_id, "pending")
