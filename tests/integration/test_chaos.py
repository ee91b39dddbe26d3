"""A short chaos run, its end by Ctrl-C, and an audit that has something to find."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
import requests

from workshop.chaos.chaos import KINDS
from workshop.stack.local import processes
from workshop.stack.local import system as local
from workshop.stack.settings import ROOT

from .conftest import FragileStack

SALE = "INSERT INTO stock_movement (sku, quantity, reason, order_id) VALUES (%s, %s, 'sale', %s)"
ORDER = """
INSERT INTO orders (id, customer_id, idempotency_key, items, status, total_cents, currency, created_at, attended_at)
VALUES (%(id)s, 'auditor', %(id)s, '[{"sku": "SKU-00001", "quantity": 1}]', %(status)s, 390, 'EUR',
        now() - interval '1 hour', now() + interval '1 hour')
"""
TWICE = "order {order}: 390 EUR with the key {0} and 390 EUR with the key {1}"


def test_nothing_is_lost_in_a_short_run(sound: FragileStack) -> None:
    """Whatever is killed, paused and cut: each answer is true, each invariant holds."""
    done = sound.spans("chaos", "--duration", "15", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {name: int(value.replace(",", "")) for name, value in re.findall(r"^(\w+) +([\d,]+)", done.stdout, re.M)}
    assert figures["lost"] == figures["500s"] == 0
    assert figures["confirmed"] > 0
    assert sum(figures[name] for name in KINDS.values()) >= 5
    assert "SEED=3" in done.stdout
    assert "All 12 invariants hold." in done.stdout


def test_ctrl_c_puts_everything_right(sound: FragileStack) -> None:
    """Nothing stays paused, what was killed runs again, and the exit code says that it was interrupted."""
    command = [sys.executable, "-m", "workshop.cli", "chaos", "--duration", "60", "--seed", "203"]
    with subprocess.Popen(command, env=sound.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "pause" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Putting everything right." in rest
    assert local.all_ready(sound.settings)
    assert "stopped" not in {each.status() for each in processes.leftovers(sound.settings.state)}


def test_without_a_stack_there_is_nothing_to_break(sound: FragileStack) -> None:
    """The command says what to do."""
    environment = {**sound.environment, "STATE_FOLDER": str(sound.settings.state / "nothing")}
    command = [sys.executable, "-m", "workshop.cli", "chaos"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "make up" in done.stderr) == (1, True)


class Wrong:
    """Rows that must not be there, under ids of their own; `undo` takes them away again."""

    def __init__(self, stack: FragileStack) -> None:
        self.stack = stack
        self.ids = {name: str(uuid.uuid4()) for name in ("confirmed", "failed", "pending", "ghost", "again")}
        self.sku = "WRONG-1"

    def make(self) -> None:
        """One of each fault."""
        with self.stack.orders() as connection:
            for status in ("confirmed", "failed", "pending"):
                connection.execute(ORDER, {"id": self.ids[status], "status": status})
        with self.stack.inventory() as connection:
            connection.execute(SALE, (self.sku, -5, None))
            for name in ("failed", "ghost"):
                connection.execute(SALE, ("SKU-00001", -1, self.ids[name]))
        for name in ("failed", "ghost"):
            self.charge(self.ids[name], self.ids[name])
        self.charge(self.ids["again"], self.ids["ghost"])

    def charge(self, key: str, order_id: str) -> None:
        """Have the provider capture something for an order."""
        url = f"http://127.0.0.1:{self.stack.settings.provider_port}/v1/charges"
        body = {"amount": 390, "currency": "EUR", "card": "4242424242424242", "reference": order_id}
        assert requests.post(url, json=body, headers={"Idempotency-Key": key}, timeout=10).status_code == 201

    def undo(self) -> None:
        """Remove them."""
        ids = list(self.ids.values())
        with self.stack.orders() as connection:
            connection.execute("DELETE FROM orders WHERE id = ANY(%s)", (ids,))
        with self.stack.inventory() as connection:
            connection.execute("DELETE FROM stock_movement WHERE order_id = ANY(%s) OR sku = %s", (ids, self.sku))
        file = sqlite3.connect(self.stack.settings.state / "provider.sqlite3", timeout=10)
        with file:
            file.executemany("DELETE FROM answer WHERE idempotency_key = ?", [(each,) for each in ids])
        file.close()


@pytest.fixture
def wrong(sound: FragileStack) -> Iterator[Wrong]:
    """Rows that violate every invariant."""
    rows = Wrong(sound)
    try:
        rows.make()
        yield rows
    finally:
        rows.undo()


def test_the_audit_finds_what_is_wrong(sound: FragileStack, wrong: Wrong) -> None:
    """Every invariant is violated by the row that was made for it, and by nothing else; the exit code is 1."""
    done = sound.spans("audit", "--json", "--pending-seconds", "60")
    assert done.returncode == 1, done.stderr
    told = re.sub("pending for 36.. s", "pending for an hour", done.stdout)
    verdicts = {verdict["invariant"]: verdict["examples"] for verdict in json.loads(told)}
    ids = wrong.ids
    assert verdicts == {
        "no product is below zero": [f"{wrong.sku}: -5 on hand"],
        "a confirmed order has exactly one reservation, not released": [f"order {ids['confirmed']}: no reservation"],
        "a confirmed order took each of its items from the ledger once": [
            f"order {ids['confirmed']}: took nothing, ordered {{'SKU-00001': 1}}"
        ],
        "a confirmed order was charged once, the right amount": [f"order {ids['confirmed']}: no charge"],
        "a failed order keeps no stock": [f"order {ids['failed']}: still has {{'SKU-00001': 1}}"],
        "a failed order was not charged": [f"order {ids['failed']}: 390 EUR captured"],
        "no stock is taken without an order": [f"{{'SKU-00001': 1}} for {ids['ghost']}, which is no order"],
        "no order is charged twice": [TWICE.format(*sorted((ids["ghost"], ids["again"])), order=ids["ghost"])],
        "no charge is captured without an order": [
            f"390 EUR captured for {ids['ghost']}, which is no order{key}"
            for key in sorted(("", f" (with the key {ids['again']})"), key=lambda key: ids["again" if key else "ghost"])
        ],
        "no order is pending for more than 60 s": [f"order {ids['pending']}: pending for an hour"],
        "a confirmed order is announced, once, within 60 s": [
            f"order {ids['confirmed']}: not announced, and no message in the outbox"
        ],
        "no message and no order is set aside": [],
    }


def test_a_charge_that_is_not_owed_is_given_back(sound: FragileStack, wrong: Wrong) -> None:
    """Of an order that nobody placed, and of one that failed; not of one that is confirmed, pending, or not charged."""
    for name in ("ghost", "failed", "again"):
        assert "390 EUR refunded" in sound.must("refund", wrong.ids[name])
    wrong.charge(wrong.ids["confirmed"], wrong.ids["confirmed"])
    for name, reason in (("confirmed", "its charge is owed"), ("pending", "the worker settles it")):
        done = sound.spans("refund", wrong.ids[name])
        assert (done.returncode, reason in done.stderr) == (1, True), done.stderr
    done = sound.spans("refund", str(uuid.uuid4()))
    assert (done.returncode, "it is unknown" in done.stderr) == (1, True)
    verdicts = {each["invariant"]: each for each in json.loads(sound.spans("audit", "--json").stdout)}
    for invariant in (
        "a failed order was not charged",
        "no charge is captured without an order",
        "no order is charged twice",
    ):
        assert verdicts[invariant]["examples"] == []


def test_settling_says_what_it_waits_for(sound: FragileStack, wrong: Wrong) -> None:
    """And gives up when the time is over."""
    done = sound.spans("audit", "--settle", "1")
    assert "waiting for 1 pending orders and 0 messages in the outbox" in done.stdout
    assert "Still there after 1 s" in done.stdout
    assert done.returncode == 1
