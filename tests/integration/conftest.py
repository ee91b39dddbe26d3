"""A whole local stack on free ports, started once for all of these tests."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from workshop.stack import local
from workshop.stack import settings as stack_settings
from workshop.traces.client import JaegerClient
from workshop.traces.model import Trace

ROOT = Path(__file__).resolve().parents[2]
GOOD_CARD = "4242424242424242"
# Enough for the scan to be the longest leg by far, and seeded in two seconds.
MOVEMENTS = 1_500_000


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Stack:
    """A running stack, and what a person would do with it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        values = {name.lower(): value for name, value in environment.items()}
        known = {name: values[name] for name in stack_settings.Settings.model_fields if name in values}
        self.settings = stack_settings.Settings(_env_file=None, **known)  # type: ignore[call-arg, arg-type]
        self.gateway = self.settings.gateway_url
        self.jaeger = JaegerClient(self.settings.jaeger_url)

    def spans(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a `spans` command against this stack."""
        command = [sys.executable, "-m", "workshop.cli", *arguments]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if check and done.returncode:
            pytest.fail(f"spans {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def checkout(self, *items: tuple[str, int], card: str = GOOD_CARD, **headers: str) -> requests.Response:
        """POST a checkout; three products when none are named."""
        chosen = items or (("SKU-00011", 1), ("SKU-01234", 2), ("SKU-04321", 1))
        body = {
            "customer_id": "tester",
            "items": [{"sku": sku, "quantity": quantity} for sku, quantity in chosen],
            "card": card,
        }
        return requests.post(f"{self.gateway}/checkout", json=body, headers=headers, timeout=30)

    def trace(self, trace_id: str, spans: int) -> Trace:
        """The trace, once it has that many spans; they arrive within a second."""
        return self.jaeger.wait_for_trace(trace_id, until=lambda trace: len(trace.spans) >= spans, timeout=10)

    def orders(self) -> psycopg.Connection[Any]:
        """A connection to the orders' database."""
        return psycopg.connect(self.settings.database_url("orders", "orders"), autocommit=True)

    def inventory(self) -> psycopg.Connection[Any]:
        """A connection to the inventory's database."""
        return psycopg.connect(self.settings.database_url("inventory", "inventory"), autocommit=True)

    def on_hand(self, sku: str) -> int:
        """Pieces of a product on hand."""
        with self.inventory() as connection:
            found = connection.execute("SELECT sum(quantity) FROM stock_movement WHERE sku = %s", (sku,)).fetchone()
        return int(found[0]) if found and found[0] is not None else 0


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, with the index as `make up` leaves it: missing."""
    names = [name for name in stack_settings.Settings.model_fields if name.endswith("_port")]
    chosen = dict(zip(names, free_ports(len(names)), strict=True))
    environment = {
        **os.environ,
        **{name.upper(): str(port) for name, port in chosen.items()},
        "RUNTIME": "local",
        "STATE_FOLDER": str(tmp_path_factory.mktemp("a stack")),
        "SEED_MOVEMENTS": str(MOVEMENTS),
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }
    running = Stack(environment)
    try:
        running.spans("up")
        yield running
    finally:
        running.spans("down")
        local.remove(running.settings)


@pytest.fixture
def fixed(stack: Stack) -> Iterator[Stack]:
    """The stack with its index."""
    stack.spans("fix")
    yield stack
    stack.spans("break")


Eventually = Callable[[str, Callable[[], object]], None]


@pytest.fixture
def eventually() -> Eventually:
    """`eventually("the order is announced", check)`: waits until check() is true, and says for what it waited."""
    import time

    def wait(what: str, check: Callable[[], object], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds:g} s for this, in vain: {what}")
            time.sleep(0.05)

    return wait
