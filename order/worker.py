"""Delivers the outbox's messages, and settles orders that were left pending: `python -m order.worker`.

Two loops, each with a connection of its own, so that neither waits for the other: a settlement asks other services,
which may be late. Whatever goes wrong in one, with a message, an order or the database, it comes round again.
"""

import logging
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from opentelemetry.instrumentation.utils import suppress_instrumentation

from common.database import CONNECTION
from common.logs import configure_logging
from common.settings import load
from order import queues
from order.clients import Inventory, Payment
from order.delivery import deliver_next
from order.liveness import Liveness
from order.recovery import Recovery
from order.settings import WorkerSettings

log = logging.getLogger("order.worker")

# Every commit wakes the delivery; this is for a wake-up that was lost with its connection, for messages that are due
# later, and for orders left pending.
POLL_SECONDS = 1.0
# Before a loop whose connection broke begins again.
PAUSE_SECONDS = 1.0
# At the end a loop gets so long to finish what it has in hand. What it does not finish is as if it had not begun.
GRACE_SECONDS = 15.0
STATEMENT_SECONDS = 5
# A row that somebody holds is left for later: others wait behind it.
LOCK_MILLISECONDS = 500
LIMITS = f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_MILLISECONDS}ms"
LOOP_CONNECTION: dict[str, Any] = {
    **CONNECTION,
    "options": f"{CONNECTION['options']} {LIMITS}",
    # A server that was cut off without a word is noticed after as long as a statement may take.
    "keepalives_idle": STATEMENT_SECONDS,
    "tcp_user_timeout": STATEMENT_SECONDS * 1000,
}


def deliver(connection: psycopg.Connection, stop: threading.Event, come_round: Callable[[], None]) -> None:
    """Deliver messages until `stop` is set."""
    waiting = queues.messages()
    with suppress_instrumentation():
        connection.execute("LISTEN outbox")
    log.info("listening")
    while not stop.is_set():
        come_round()
        if not deliver_next(connection, waiting):
            for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass


def settle(
    recovery: Recovery, connection: psycopg.Connection, stop: threading.Event, come_round: Callable[[], None]
) -> None:
    """Settle pending orders until `stop` is set."""
    waiting = (queues.left_orders(), queues.stale_orders(recovery.seconds))
    while not stop.is_set():
        settled = False
        # From each in turn: however many there are of the one kind, the other gets its turn.
        for each in waiting:
            come_round()
            settled = recovery.settle_next(connection, each) or settled
        if not settled:
            stop.wait(POLL_SECONDS)


Loop = Callable[[psycopg.Connection, threading.Event, Callable[[], None]], None]


def keep_on(name: str, loop: Loop, database_url: str, stop: threading.Event, liveness: Liveness) -> None:
    """Run a loop until `stop` is set, whatever happens in it; a database that is away is waited for."""
    come_round = partial(liveness.beat, name)
    while not stop.is_set():
        come_round()
        try:
            with psycopg.connect(database_url, **LOOP_CONNECTION) as connection:
                loop(connection, stop, come_round)
        except psycopg.OperationalError as error:
            log.warning("%s: the database is away or busy: %s", name, type(error).__name__)
        except Exception:
            log.exception("%s: an unexpected error; it begins again", name)
        stop.wait(PAUSE_SECONDS)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = load(WorkerSettings)
    configure_logging(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    secret = settings.service_secret
    inventory = Inventory(settings.inventory_url, secret, settings.inventory_timeout_seconds)
    payment = Payment(settings.payment_url, secret, settings.payment_timeout_seconds)
    recovery = Recovery(inventory, payment, settings.settle_after_seconds)
    liveness = Liveness(settings.liveness_file, recovery.longest_turn(STATEMENT_SECONDS))
    loops: dict[str, Loop] = {"delivery": deliver, "settlement": partial(settle, recovery)}
    # Daemons: one that hangs must not keep the process.
    threads = [
        threading.Thread(target=keep_on, args=(name, loop, settings.database_url, stop, liveness), daemon=True)
        for name, loop in loops.items()
    ]
    for thread in threads:
        thread.start()
    liveness.keep(stop)
    for thread in threads:
        thread.join(GRACE_SECONDS)


if __name__ == "__main__":
    main()
