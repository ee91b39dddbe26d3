"""Delivers the outbox's messages, and settles orders that were left pending: `python -m order.worker`.

PostgreSQL is the queue. A message is taken and delivered in one transaction, so it is delivered at least
once, and the delivery marks the order once.
"""

import logging
import signal
import threading
import time

import psycopg
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.propagate import extract
from opentelemetry.trace import Link, SpanKind
from pydantic import Field

from common.database import CONNECTION
from common.logs import configure_logging
from common.settings import ServiceSettings, load
from order import store
from order.clients import Inventory, Payment
from order.outbox import messaging
from order.recovery import Recovery

log = logging.getLogger("order.worker")
tracer = trace.get_tracer("order.worker")

# Every commit wakes the worker; this is for a wake-up that was lost with its connection, and for orders left pending.
POLL_SECONDS = 2.0


class Settings(ServiceSettings):
    """The worker's settings."""

    database_url: str = Field(description="PostgreSQL URL of the orders' database")
    inventory_url: str = Field(description="base URL of the inventory service")
    payment_url: str = Field(description="base URL of the payment service")
    settle_after_seconds: float = Field(
        30.0, gt=0, le=3600, description="how long an order may be pending before the worker settles it"
    )


def deliver_next(connection: psycopg.Connection) -> bool:
    """Deliver one message; False when there is none."""
    with connection.transaction():
        # Looking for work is no part of any trace.
        with suppress_instrumentation():
            message = store.take_message(connection)
        if message is None:
            return False
        deliver(connection, message)
    log.debug("message %d delivered", message.id)
    return True


def deliver(connection: psycopg.Connection, message: store.Message) -> None:
    """The delivery: the order is marked as announced.

    In a trace of its own, linked to the sender's: the message may wait for hours, and a checkout's trace
    should not.
    """
    sender = trace.get_current_span(extract(message.headers)).get_span_context()
    attributes = messaging("process", **{"messaging.message.id": str(message.id), "order.id": message.order_id})
    with tracer.start_as_current_span(
        f"process {message.topic}",
        context=Context(),
        kind=SpanKind.CONSUMER,
        links=[Link(sender)] if sender.is_valid else [],
        attributes=attributes,
    ):
        store.announce(connection, message.order_id)
        log.info("order %s announced", message.order_id)


def work(database_url: str, recovery: Recovery, stop: threading.Event) -> None:
    """Deliver and settle until `stop` is set; psycopg.OperationalError when the database goes away."""
    with psycopg.connect(database_url, **CONNECTION) as connection:
        with suppress_instrumentation():
            connection.execute("LISTEN outbox")
        log.info("listening")
        next_look = time.monotonic()
        while not stop.is_set():
            busy = deliver_next(connection)
            # However many messages there are: pending orders get their turn.
            if time.monotonic() >= next_look:
                settled = recovery.settle_next(connection)
                busy = busy or settled
                next_look = time.monotonic() + (0 if settled else POLL_SECONDS)
            if not busy:
                for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass


def main() -> None:
    """Run until SIGTERM or SIGINT; a database that is away is waited for."""
    settings = load(Settings)
    configure_logging(settings.log_level)
    stop = threading.Event()
    recovery = Recovery(Inventory(settings.inventory_url), Payment(settings.payment_url), settings.settle_after_seconds)

    def leave(signum: int, frame: object) -> None:
        if stop.is_set():
            return
        stop.set()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    while not stop.is_set():
        try:
            work(settings.database_url, recovery, stop)
        except psycopg.OperationalError as error:
            log.warning("the database is away: %s", type(error).__name__)
            stop.wait(1.0)


if __name__ == "__main__":
    main()
