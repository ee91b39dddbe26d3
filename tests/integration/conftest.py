"""A whole local stack on free ports, started once for all of these tests."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import requests

from workshop.chaos.faults import Faults
from workshop.stack import database
from workshop.stack.local import supervisor
from workshop.stack.local.scratch import ScratchStack
from workshop.traces.model.trace import Trace
from workshop.traces.sources.jaeger import JaegerClient

GOOD_CARD = "4242424242424242"
# Enough for the scan to be the longest leg by far, and seeded in two seconds.
MOVEMENTS = 1_500_000


class Stack(ScratchStack):
    """A running stack, and what a person would do with it."""

    @property
    def gateway(self) -> str:
        """The public API's base URL."""
        return self.settings.gateway_url

    @property
    def jaeger(self) -> JaegerClient:
        """Reads the stack's traces."""
        return JaegerClient(self.settings.jaeger_url)

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

    @property
    def secret(self) -> str:
        """What the order service proves itself with to inventory and payment."""
        return (self.settings.state / "secrets" / "service_secret").read_text()

    def on_hand(self, sku: str) -> int:
        """Pieces of a product on hand."""
        with self.inventory() as connection:
            found = connection.execute("SELECT sum(quantity) FROM stock_movement WHERE sku = %s", (sku,)).fetchone()
        return int(found[0]) if found and found[0] is not None else 0


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, with the index as `make up` leaves it: missing."""
    chosen = Stack(tmp_path_factory.mktemp("a stack"), seed_movements=MOVEMENTS)
    with chosen.running():
        yield chosen


@pytest.fixture
def fixed(stack: Stack) -> Iterator[Stack]:
    """The stack with its index."""
    stack.must("fix")
    yield stack
    stack.must("break")


class FragileStack(Stack):
    """A stack whose processes may be killed: quick but for the provider, and settled soon."""

    @property
    def faults(self) -> Faults:
        """Kills and pauses its processes."""
        return Faults(self.settings)

    def stop(self, *names: str) -> None:
        """Stop processes in order, with SIGTERM, and wait until they have ended."""
        supervisor.stop_processes(self.settings, list(names), patience=30)

    def start(self, *names: str) -> None:
        """Start processes and wait until everything is ready."""
        for name in names:
            supervisor.start_process(self.settings, name)
        self.faults.restore()

    def let_time_pass(self) -> None:
        """Pending orders have not been attended for an hour: for those whose process was killed, it is so."""
        with self.orders() as connection:
            connection.execute("UPDATE orders SET attended_at = now() - interval '1 hour' WHERE status = 'pending'")

    @contextmanager
    def database_started(self) -> Iterator[None]:
        """PostgreSQL is started, and takes statements; on exit everything is ready."""
        supervisor.start_process(self.settings, "postgres")
        while database.not_ready(self.settings) is not None:
            time.sleep(0.02)
        yield
        self.faults.restore()


@pytest.fixture(scope="session")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FragileStack]:
    """A second stack, so that killing its processes disturbs nobody.

    It has the index, and a provider that takes long enough for a checkout to be met in the middle.
    """
    settings = {"seed_movements": 500_000, "settle_after_seconds": 22, "provider_latency_ms": 400}
    chosen = FragileStack(tmp_path_factory.mktemp("fragile"), provider_latency_sigma=0, **settings)
    with chosen.running():
        chosen.must("fix")
        yield chosen


@pytest.fixture
def sound(fragile: FragileStack) -> Iterator[FragileStack]:
    """The fragile stack; after the test everything in it must be ready again, and add up."""
    yield fragile
    fragile.faults.restore()
    fragile.must("audit", "--settle", "60")


Eventually = Callable[..., None]


@pytest.fixture
def eventually() -> Eventually:
    """`eventually("the order is announced", check)`: waits until check() is true, and says for what it waited."""

    def wait(what: str, check: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds:g} s for this, in vain: {what}")
            time.sleep(0.05)

    return wait
