"""Customers who buy three products each, again and again: what Locust runs for `make load`.

From the environment: SEED_PRODUCTS, and RATE (checkouts a second by all users together; 0: as fast as they can).
"""

import contextlib
import os
import random
import signal
import time
import uuid
from collections import Counter

import gevent  # type: ignore[import-untyped]
from locust import FastHttpUser, constant, constant_throughput, events, task
from locust.env import Environment

PRODUCTS = int(os.environ.get("SEED_PRODUCTS", "5000"))
RATE = float(os.environ.get("RATE") or 0)
USERS = int(os.environ.get("USERS") or 1)
NAME = "POST /checkout"
# For so long, in seconds, a customer comes again who was not told how his checkout ended: the worker settles an order
# that was left after half a minute.
PATIENCE = 60.0
# Attempts after which a customer came again, by the status of their answer; 0 is none.
repeated: Counter[int] = Counter()
# What a failure says to whoever reads it, by how it begins.
LESSONS = {
    "503": "The queue: more customers at once than the database serves in time. make fix, or fewer USERS.",
    "504": "Out of time: it waited longer than a checkout may take. make fix, or fewer USERS.",
    "409": "Out of stock, or still in hand: the shop answered, and said no.",
    "502": "The payment provider failed: nobody in this building can shorten it.",
}
# How often a run without a page says how it goes.
SECONDS_BETWEEN_LINES = 5


class Customer(FastHttpUser):
    """Buys three different products, one piece each."""

    wait_time = constant_throughput(RATE / USERS) if RATE else constant(0)

    @task
    def buy(self) -> None:
        """One checkout; anything but 201 is a failure, told with the problem's detail.

        Whoever is refused, or not told how it ended, comes again with the same key, as the shop's page does. His
        checkout counts once, with all the time that it took.
        """
        numbers = random.sample(range(1, PRODUCTS + 1), min(3, PRODUCTS))
        body = {
            "customer_id": "load",
            "items": [{"sku": f"SKU-{number:05d}", "quantity": 1} for number in numbers],
            "card": "4242424242424242",
        }
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        began = time.monotonic()
        while True:
            answer = self.client.post("/checkout", json=body, headers=headers, name=NAME, catch_response=True)
            took = time.monotonic() - began
            if not comes_again(answer.status_code, answer.text) or took > PATIENCE:
                break
            repeated[answer.status_code] += 1
            gevent.sleep(random.uniform(0.5, 1.5))
        # Locust counts what is entered, and not the attempts before.
        with answer:
            answer.request_meta["response_time"] = took * 1000
            if answer.status_code == 201:
                answer.success()  # type: ignore[no-untyped-call]
            else:
                answer.failure(f"{answer.status_code} {detail(answer.text)}")  # type: ignore[no-untyped-call]


def comes_again(status: int, text: str | None) -> bool:
    """Whether the same checkout may still be confirmed: nobody listened, a service was away, or it is in hand."""
    told = text or ""
    return status in (0, 503, 504) or '"reason": "in_progress"' in told or '"order_status": "pending"' in told


def cause(status: int) -> str:
    """`17 x no connection`: how often it was the reason to come again."""
    return f"{repeated[status]} x {status or 'no connection'}"


def detail(text: str | None) -> str:
    """The first words of an answer, without ids, so that equal failures count as equal."""
    return (text or "no answer").partition('"detail": "')[2].partition('"')[0] or "no answer"


@events.init.add_listener
def listen_to_ctrl_c(**ignored: object) -> None:
    """From here on Ctrl-C ends a run in order (workshop/load/start.py), and gevent need not report it as an error."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hub = gevent.get_hub()
    hub.NOT_ERROR = (*hub.NOT_ERROR, KeyboardInterrupt)


def tell(text: str) -> None:
    """Print a line, unless nobody reads any more (`make load | head`)."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


@events.test_start.add_listener
def report_now_and_then(environment: Environment, **ignored: object) -> None:
    """Print a line every few seconds, unless Locust's page shows it all."""
    if environment.web_ui is None:
        gevent.spawn(report, environment, time.monotonic())


def report(environment: Environment, began: float) -> None:
    """Without end; it goes with the process."""
    before = 0
    while True:
        gevent.sleep(SECONDS_BETWEEN_LINES)
        stats = environment.stats.total
        p50 = stats.get_current_response_time_percentile(0.5) or 0
        rate = (stats.num_requests - before) / SECONDS_BETWEEN_LINES
        tell(
            f"{time.monotonic() - began:4.0f} s  {rate:6.1f} checkouts/s"
            f"  p50 {p50:,.0f} ms  {stats.num_failures} failed"
        )
        before = stats.num_requests


@events.quitting.add_listener
def summarise(environment: Environment, **ignored: object) -> None:
    """Print the figures, unless Locust's page had them, and what failures teach.

    A failed checkout is a result like any other; the command fails when not one was confirmed.
    """
    if environment.web_ui is not None:
        return
    stats = environment.stats.total
    if not stats.num_requests:
        tell("no checkout was answered")
        environment.process_exit_code = 1
        return
    p50, p95, p99 = (stats.get_response_time_percentile(share) for share in (0.5, 0.95, 0.99))
    tell(
        f"{stats.num_requests} checkouts, {stats.total_rps:.1f} a second, "
        f"p50 {p50:,.0f} ms, p95 {p95:,.0f} ms, p99 {p99:,.0f} ms, {stats.num_failures} failed"
    )
    if repeated:
        tell(f"  {repeated.total()} times a customer came again, after {', '.join(map(cause, sorted(repeated)))}")
    for error in environment.stats.errors.values():
        tell(f"  {error.occurrences} x {error.error}")
        for beginning, lesson in LESSONS.items():
            if str(error.error).startswith(beginning):
                tell(f"      {lesson}")
    environment.process_exit_code = 1 if stats.num_failures == stats.num_requests else 0
