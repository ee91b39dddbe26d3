"""Whatever is killed in the middle of a checkout, the order comes to an end by itself, and is charged once at most."""

import re
import signal
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from workshop.chaos.chaos import orders_of, reconcile
from workshop.chaos.customers import Customers
from workshop.chaos.plan import GUNICORN, Action
from workshop.chaos.records import charges
from workshop.stack.local import processes, supervisor
from workshop.stack.settings import ROOT
from workshop.traces.diagnosis.diagnose import diagnose

from .conftest import GOOD_CARD, Eventually, FragileStack
from .shape import title

BEHIND = ("order", "inventory", "payment", "provider", "postgres", "order-worker")
ROLLED = ("provider", "payment", "inventory", "order-worker", "order", "gateway")


class Buyer:
    """A customer of one checkout."""

    def __init__(self, stack: FragileStack) -> None:
        self.stack = stack
        self.name = f"buyer-{uuid.uuid4()}"
        self.key = str(uuid.uuid4())

    def buy(self) -> int:
        """The answer's status, always with the same key; 0 without an answer."""
        body = {"customer_id": self.name, "items": [{"sku": "SKU-00007", "quantity": 1}], "card": GOOD_CARD}
        headers = {"Idempotency-Key": self.key}
        try:
            url = f"{self.stack.gateway}/checkout"
            return requests.post(url, json=body, headers=headers, timeout=25).status_code
        except requests.RequestException:
            return 0

    def orders(self, status: str) -> list[str]:
        """The ids of the customer's orders in this state."""
        query = "SELECT id FROM orders WHERE customer_id = %s AND status = %s"
        with self.stack.orders() as connection:
            return [row[0] for row in connection.execute(query, (self.name, status))]

    def is_being_charged(self) -> bool:
        """Whether the stock is reserved and the order not decided."""
        pending = self.orders("pending")
        with self.stack.inventory() as connection:
            query = "SELECT 1 FROM reservation WHERE order_id = ANY(%s)"
            return connection.execute(query, (pending,)).fetchone() is not None

    def captured(self) -> int:
        """How many charges were captured for the customer's orders."""
        mine = {order_id for status in ("pending", "confirmed", "failed") for order_id in self.orders(status)}
        return sum(charge.order_id in mine and charge.status == "captured" for charge in charges(self.stack.settings))


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("gateway", "worker"),
        ("order", "worker"),
        ("order", "master"),
        ("order-worker", ""),
        ("inventory", "worker"),
        ("payment", "worker"),
        ("provider", ""),
        ("postgres", ""),
    ],
)
def test_killed_in_the_middle(sound: FragileStack, eventually: Eventually, target: str, part: str) -> None:
    """kill -9 while the card is being charged: the order is decided, and repeating it buys once."""
    buyer = Buyer(sound)
    first = threading.Thread(target=buyer.buy)
    first.start()
    eventually("the order's stock is reserved", buyer.is_being_charged)
    assert (target in GUNICORN) == bool(part)
    assert sound.faults.make(Action(0, "kill", target, part))
    first.join()
    sound.faults.restore()
    if target in ("order", "postgres"):
        # Nobody has it in hand any more, or could say so.
        sound.let_time_pass()
    eventually("no order is pending", lambda: not buyer.orders("pending"))
    eventually("the repeated checkout is confirmed", lambda: buyer.buy() == 201)
    assert len(buyer.orders("confirmed")) == 1
    assert buyer.captured() == 1


def test_a_repetition_meets_the_first_one_on_its_way(sound: FragileStack) -> None:
    """Two at once with the same key: one is worked on, the other is told so; later it gets the same order."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    with ThreadPoolExecutor(2) as pool:
        answers = [each.result() for each in [pool.submit(sound.checkout, **key) for _ in range(2)]]
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (refused,) = [answer for answer in answers if answer.status_code == 409]
    assert refused.json()["reason"] == "in_progress"
    assert "Retry-After" in refused.headers
    assert {sound.checkout(**key).json()["order_id"]} == {answer.json()["order_id"] for answer in answers}


def test_a_hot_product_sells_out_at_zero(sound: FragileStack) -> None:
    """64 customers want it until it is gone: each piece is sold once, and nobody is told anything else."""
    with sound.inventory() as connection:
        connection.execute("INSERT INTO product VALUES ('HOT-1', 'Hot thing', 500, 'EUR') ON CONFLICT DO NOTHING")
        connection.execute("INSERT INTO stock_movement (sku, quantity, reason) VALUES ('HOT-1', 100, 'delivery')")

    def buy_until_gone(_: int) -> list[requests.Response]:
        answers: list[Any] = []
        while not answers or answers[-1].status_code != 409:
            answers.append(sound.checkout(("HOT-1", 1)))
        return answers

    with ThreadPoolExecutor(64) as pool:
        answers = [answer for each in pool.map(buy_until_gone, range(64)) for answer in each]
    assert {answer.status_code for answer in answers} <= {201, 409, 503}
    assert [answer.status_code for answer in answers].count(201) == 100
    assert sound.on_hand("HOT-1") == 0
    for answer in answers:
        assert answer.status_code != 503 or "Retry-After" in answer.headers
        assert answer.status_code != 409 or answer.json()["reason"] == "out_of_stock"


def test_a_database_that_is_away_is_told(sound: FragileStack) -> None:
    """Not as a crowd that waits for it; and the trace and the log say what happened."""
    sound.stop("postgres")
    try:
        answers = [requests.get(f"{sound.gateway}/products", timeout=25) for _ in range(2)]
    finally:
        sound.start("postgres")
    assert [answer.status_code for answer in answers] == [503, 503]
    last = answers[-1].json()
    assert (last["reason"], last["detail"]) == ("database_away", "the database takes no connections")
    trace = sound.trace(last["trace_id"], 3)
    servers = [span for span in trace.spans if title(span) == "inventory GET /products"]
    assert len(servers) > 1  # it might have been a restart
    for server in servers:
        assert [event.attributes["exception.type"] for event in server.events] == ["psycopg_pool.PoolTimeout"]
    lines = sound.must("logs", last["trace_id"])
    assert "WARN" in lines and "the database takes no connections" in lines


@pytest.mark.parametrize("away", ["payment", "provider", "inventory"])
def test_an_error_began_where_something_was_away(sound: FragileStack, away: str) -> None:
    """Not in the attempt to undo what had been done, although that fails as well."""
    sound.stop(away)
    try:
        answer = sound.checkout()
    finally:
        sound.start(away)
    asked = {"payment": "order POST", "provider": "payment POST", "inventory": "order POST"}[away]
    path = {"payment": "/charges", "provider": "/v1/charges", "inventory": "/reservations"}[away]
    assert answer.status_code in (502, 503)
    trace = sound.trace(answer.json()["trace_id"], 8)
    first = diagnose(trace).problems[0]
    assert "it began in" in first.title
    origin = trace.by_id[first.evidence[0].span_id]
    assert title(origin) == asked
    assert str(origin.attributes["url.full"]).endswith(path)
    (process,) = [span for span in trace.spans if span.name == "ProcessOrder"]
    assert process.is_error
    assert len(process.events) == 1


def test_a_short_deadline_is_answered_by_whoever_works_on_it(sound: FragileStack, eventually: Eventually) -> None:
    """The order service gives up before the gateway does, so that the customer learns which order it was."""
    answer = sound.checkout(**{"X-Timeout-Ms": "350"})  # the provider takes 400
    assert answer.status_code == 504
    order = f"{sound.gateway}/orders/{answer.json()['order_id']}"
    eventually("the order is decided", lambda: requests.get(order, timeout=10).json()["status"] != "pending")


def test_a_rolling_restart_loses_no_checkout(sound: FragileStack) -> None:
    """Each process is restarted while customers buy, who repeat what fails: all of them get their answer."""
    customers = Customers([sound.gateway], sound.settings.seed_products, 6, patience=60)
    customers.start()
    for name in ROLLED:
        sound.stop(name)
        sound.start(name)
    customers.close()
    customers.join()
    assert customers.figures()["gave up"] == 0
    assert customers.figures()["confirmed"] > 0
    assert customers.answers[500] == 0
    assert reconcile(customers.checkouts, orders_of(sound.settings, customers.name)).lost == []


def restart(stack: FragileStack, name: str, way: str) -> None:
    """Come back when everything is ready again."""
    if way == "SIGTERM":
        stack.stop(name)
        stack.start(name)
        return
    # Of gunicorn's two processes the master: its worker must let go of the port.
    whole = processes.tree(supervisor.states(stack.settings)[name]["pid"])
    whole[0].send_signal(signal.SIGKILL)
    stack.faults.restore()


@pytest.mark.parametrize("way", ["SIGTERM", "kill -9"])
@pytest.mark.parametrize("name", [*BEHIND, "gateway"])
def test_a_restart_loses_no_checkout(sound: FragileStack, name: str, way: str) -> None:
    """Eight customers of `make load`: all that were begun are confirmed.

    Who asks the gateway when it is away, or whose order was in the hands of a process that was killed, comes again.
    """
    command = [sys.executable, "-m", "workshop.cli", "load", "--users", "8", "--duration", "8"]
    load = subprocess.Popen(command, env=sound.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert load.stdout is not None
    told = load.stdout.readline()
    while load.poll() is None and not re.search(r"[1-9][0-9.]* checkouts/s", told):
        told += load.stdout.readline()
    restart(sound, name, way)
    told += load.communicate(timeout=120)[0]
    assert re.search(r"\d+ checkouts, .* 0 failed", told), told
    assert load.returncode == 0
    if name != "gateway" and not (name == "order" and "kill" in way):
        assert "came again" not in told
