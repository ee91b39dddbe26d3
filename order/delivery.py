"""Delivers the outbox's messages.

PostgreSQL is the queue. A message is taken and delivered in one transaction, so it is delivered at least once, and the
delivery marks the order once.
"""

import logging

import psycopg
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind

from order import faults, queues, store
from order.headers import links, parse
from order.outbox import TOPIC, messaging

log = logging.getLogger("order.worker")
tracer = trace.get_tracer("order.worker")


def deliver_next(connection: psycopg.Connection, waiting: queues.Queue[queues.Message]) -> bool:
    """Deliver one message; False when there is none. One that fails is put back, or set aside after some attempts."""
    message = None
    try:
        with connection.transaction():
            # Looking for work is no part of any trace.
            with suppress_instrumentation():
                message = waiting.take(connection)
            if message is None:
                return False
            deliver(connection, message)
    except Exception as error:
        if message is None or connection.closed:
            raise
        put_back(connection, message, error)
        return True
    log.debug("message %d delivered", message.id)
    return True


def put_back(connection: psycopg.Connection, message: queues.Message, error: Exception) -> None:
    """Note that the message could not be delivered."""
    reason = faults.reason(error)
    with suppress_instrumentation():
        aside = queues.put_back_message(connection, message.id, reason, own=faults.is_its_own(error))
    told = "message %d about order %s " + ("is set aside: %s" if aside else "cannot be delivered yet: %s")
    log.log(logging.ERROR if aside else logging.WARNING, told, message.id, message.order_id, reason)


def deliver(connection: psycopg.Connection, message: queues.Message) -> None:
    """The delivery: the order is marked as announced. ValueError when the message makes no sense.

    In a trace of its own, linked to the sender's: the message may wait for hours, and a checkout's trace
    should not.
    """
    attributes = messaging("process", **{"messaging.message.id": str(message.id), "order.id": message.order_id})
    with tracer.start_as_current_span(
        f"process {TOPIC}",
        context=Context(),
        kind=SpanKind.CONSUMER,
        links=links(message.headers),
        attributes=attributes,
    ):
        if message.topic != TOPIC:
            raise ValueError(f"nobody delivers the topic {message.topic!r}")
        parse(message.headers)
        if not store.announce(connection, message.order_id):
            raise ValueError(f"there is no confirmed order {message.order_id}")
        log.info("order %s announced", message.order_id)
