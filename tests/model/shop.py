"""The shop: the four services' real code on wires of the test, customers, the worker, and what may happen to them."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg_pool import PoolTimeout, TooManyRequests
from psycopg_pool.base import AttemptWithBackoff
from pydantic import SecretStr

import gateway.app
import inventory.app
import order.app
import payment.app
from common import database as pools
from common.database.statements import SummaryCursor
from common.errors import NOTHING_BEGUN
from gateway.catalogue import Catalogue, Lookup
from order import queues, worker
from order.clients import Inventory, Payment
from order.delivery import deliver_next
from order.recovery import Recovery

from .clock import STEP_SECONDS, Clock
from .database import DATABASES, Database
from .network import FATES, Killed, Network
from .provider import Provider

SECRET = SecretStr("what the services know of each other")
SETTLE_AFTER_SECONDS = 30.0
MOODS = ("fails", "too many", "does it, then fails")
PLACES = ("order", "inventory", "payment", "provider")
# Everything that may happen, between two requests or in the middle of one.
EVENTS = (
    *FATES,
    *(f"the provider {mood}" for mood in MOODS),
    *(f"{name} goes away" for name in PLACES),
    "everyone is back",
    *(f"the connections to {name} are cut" for name in DATABASES),
    *(f"the database {name} refuses connections" for name in DATABASES),
    "the databases take connections",
    "a stranger locks the hot product",
    "the stranger lets go",
    "what is on its way arrives",
    "a second passes",
    "half a minute passes",
    "the worker works",
    "half a minute passes, and the worker works",
)
KILLED = "whoever is at work is killed"
# An event at the nth step (a call, an answer, a statement) of a request or of the worker's turn.
Interruptions = dict[int, str]


@dataclass
class Answer:
    """What a customer is told; status 0 is no answer."""

    status: int
    told: dict[str, Any]
    retry_after: bool

    @property
    def final(self) -> bool:
        """Whether it says what became of the purchase."""
        return self.status == 201 or (400 <= self.status < 500 and self.told.get("reason") != "in_progress")

    def __str__(self) -> str:
        return f"{self.status} {self.told}" + (" with Retry-After" if self.retry_after else "")


@dataclass
class Purchase:
    """What one customer wants once. `mark` is the product that nobody else buys.

    A customer without a key who is `attentive` takes the one that an answer gives; any other obeys Retry-After.
    """

    mark: str
    body: dict[str, Any]
    key: str | None
    attentive: bool = False
    answers: list[Answer] = field(default_factory=list)
    final: Answer | None = None
    given_up: bool = False  # the customer has taken the key for something else meanwhile


class QuickPool(pools.Pool):
    """The services' pool with shorter waits, so that a refusing database, or a lock, costs a test a moment."""

    made: list["QuickPool"] = []  # noqa: RUF012 (one list for all, emptied by each shop)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.patience, options["timeout"] = options["timeout"], 0.1
        options["kwargs"] = quickly(options["kwargs"], "lock_timeout=30ms")
        super().__init__(*arguments, **options)
        self.made.append(self)

    def getconn(self, timeout: float | None = None) -> psycopg.Connection[Any]:
        """As it is; who waited in vain has waited as long as the services' pool lets one wait."""
        try:
            return super().getconn(timeout)
        except PoolTimeout:
            time.sleep(self.patience)
            raise

    def recover(self) -> None:
        """Come back when the pool has a connection, in real time."""
        for _ in range(1000):
            with suppress(PoolTimeout, TooManyRequests), self.connection():
                return
            threading.Event().wait(0.01)
        pytest.fail("the database is there, and after ten seconds the pool has no connection to it")


def quickly(connection: dict[str, Any], limits: str) -> dict[str, Any]:
    """What a connection is opened with, and tighter limits; the last ones that are named are those that count."""
    return {**connection, "options": f"{connection.get('options', '')} -c {limits}"}


class Loop:
    """One of the worker's loops, with its connection; without one it begins anew, as order.worker does."""

    def __init__(self, url: str, begin: Callable[[], Callable[[psycopg.Connection[Any]], object]]) -> None:
        self.url, self.begin = url, begin
        self.connection: psycopg.Connection[Any] | None = None

    def turn(self) -> None:
        """Come round once."""
        try:
            if self.connection is None:
                self.connection = psycopg.connect(
                    self.url, **quickly(worker.LOOP_CONNECTION, "lock_timeout=30ms -c statement_timeout=2s")
                )
                self.do = self.begin()
            self.do(self.connection)
        except (psycopg.OperationalError, Killed):
            self.close()

    def close(self) -> None:
        """The connection broke, or the process ended."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Shop:
    """All of it. Whatever a customer is told is judged at once."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.provider = Provider()
        self.clock = Clock(monkeypatch)
        self.network = Network(monkeypatch, self.clock, self._start(monkeypatch), self.provider)
        self.network.before_call = self._step
        self._see_statements(monkeypatch)
        self.purchases: list[Purchase] = []
        self.plan: Interruptions = {}
        self.steps = 0
        url = database.settings.database_url("orders", "orders")
        self.worker = (Loop(url, self._settlement), Loop(url, self._delivery))

    def _start(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Flask]:
        """The services' applications, as gunicorn would make them."""
        # What is looked up beside the order runs in a thread of its own; here one thing happens after another, or a run
        # could not be repeated. So nothing has room to be looked up: the order is none the wiser.
        monkeypatch.setattr(Catalogue, "look_up", lambda *_: Lookup(None))
        monkeypatch.setattr(pools, "Pool", QuickPool)
        monkeypatch.setattr(AttemptWithBackoff, "INITIAL_DELAY", 0.02)
        monkeypatch.setattr(AttemptWithBackoff, "DELAY_BACKOFF", 1.0)
        QuickPool.made.clear()
        monkeypatch.setenv("SERVICE_SECRET", SECRET.get_secret_value())
        for name in PLACES:
            monkeypatch.setenv(f"{name.upper()}_URL", f"http://{name}.test")
        apps = {}
        for name, module in {"gateway": gateway, "order": order, "inventory": inventory, "payment": payment}.items():
            database = {"order": "orders", "inventory": "inventory"}.get(name, "postgres")
            monkeypatch.setenv("DATABASE_URL", self.database.settings.database_url(database, database))
            apps[name] = module.app.create_app()
        return apps

    def _see_statements(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make a step of every statement that a service or the worker runs."""
        execute = SummaryCursor.execute
        shop = self

        def step_and_execute(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            if query:
                shop._step()
            return execute(cursor, query, *arguments, **options)

        monkeypatch.setattr(SummaryCursor, "execute", step_and_execute)

    def close(self) -> None:
        """Let go of every connection."""
        for loop in self.worker:
            loop.close()
        for pool in QuickPool.made:
            pool.close()

    def _settlement(self) -> Callable[[psycopg.Connection[Any]], object]:
        """What a turn of the settlement is: an order of each kind."""
        clients = Inventory("http://inventory.test", SECRET, 12.0), Payment("http://payment.test", SECRET, 12.0)
        recovery = Recovery(*clients, SETTLE_AFTER_SECONDS)
        kinds = queues.left_orders(), queues.stale_orders(SETTLE_AFTER_SECONDS)
        return lambda connection: [recovery.settle_next(connection, each) for each in kinds]

    def _delivery(self) -> Callable[[psycopg.Connection[Any]], object]:
        """What a turn of the delivery is: a message."""
        messages = queues.messages()
        return lambda connection: deliver_next(connection, messages)

    # ---- what happens ----

    def _step(self) -> None:
        """One step of whoever is at work; what was planned for it happens."""
        self.steps += 1
        self.clock.advance(STEP_SECONDS)
        event = self.plan.pop(self.steps - 1, None)
        if event == KILLED and self.network.running:
            raise Killed
        if event is not None and event != KILLED:
            with self._uninterrupted():
                self.happen(event)

    @contextmanager
    def _uninterrupted(self, plan: Interruptions | None = None) -> Iterator[None]:
        """A request or a turn with a plan of its own."""
        before = self.plan, self.steps
        self.plan, self.steps = dict(plan or {}), 0
        try:
            yield
        finally:
            self.plan, self.steps = before

    def happen(self, event: str) -> None:
        """One of EVENTS."""
        if event in FATES:
            self.network.fates.append(event)
        elif event.removeprefix("the provider ") in MOODS:
            self.provider.moods.append(event.removeprefix("the provider "))
        elif event.endswith(" goes away"):
            self.network.away.add(event.removesuffix(" goes away"))
        elif event.startswith("the connections to "):
            self.database.cut(event.split()[3])
        elif event.endswith(" refuses connections"):
            self.database.refuse(event.split()[2])
        elif event.startswith("half a minute"):
            self.pass_time(SETTLE_AFTER_SECONDS + 1)
        else:
            happening: dict[str, Callable[[], object]] = {
                "everyone is back": self.network.away.clear,
                "the databases take connections": self.recover,
                "a stranger locks the hot product": self.database.lock,
                "the stranger lets go": self.database.unlock,
                "what is on its way arrives": self.network.arrive,
                "a second passes": lambda: self.pass_time(1),
                "the worker works": self.work,
            }
            happening[event]()
        if event == "half a minute passes, and the worker works":
            self.work()

    def pass_time(self, seconds: float) -> None:
        """For the services and for what they have written."""
        self.clock.advance(seconds)
        self.database.age(seconds)

    def recover(self) -> None:
        """The databases are there again, and the services have found out."""
        for name in DATABASES:
            self.database.allow(name)
        for pool in QuickPool.made:
            pool.recover()

    def work(self, plan: Interruptions | None = None) -> None:
        """A turn of each of the worker's loops: it settles orders, delivers a message, or finds the database away.

        Any other exception is one that nobody thought of: it is the test's failure.
        """
        self.network.running.append("worker")
        try:
            with self._uninterrupted(plan):
                for loop in self.worker:
                    # In a context of its own, as a process is: not in that of a request that is under way.
                    Context().run(loop.turn)
        finally:
            self.network.running.pop()

    # ---- customers ----

    def buy(self, purchase: Purchase, plan: Interruptions | None = None, timeout_ms: int | None = None) -> Answer:
        """Send the purchase's request, for the first time or again, and judge the answer."""
        answer = self._ask(purchase.body, purchase.key, plan, timeout_ms)
        purchase.answers.append(answer)
        self._judge(purchase, answer)
        if purchase.attentive and purchase.key is None:
            purchase.key = answer.told.get("idempotency_key")
        return answer

    def buy_something_else(self, purchase: Purchase, other: dict[str, Any], plan: Interruptions) -> None:
        """Use the purchase's key for another request, which is refused if the key has an answer already."""
        answer = self._ask(purchase.body | other, purchase.key, plan, None)
        refused = answer.told.get("reason") == "idempotency_key_reused"
        assert refused or not answer.final or not purchase.final, f"{purchase.final}, then for {other}: {answer}"
        # A failure has freed the key, and so it is this request's now, or may be.
        purchase.given_up = purchase.given_up or not (purchase.final or refused)

    def _ask(self, body: dict[str, Any], key: str | None, plan: Interruptions | None, timeout_ms: int | None) -> Answer:
        headers = {"Idempotency-Key": key} if key else {}
        if timeout_ms is not None:
            headers["X-Timeout-Ms"] = str(timeout_ms)
        self.network.running.append("gateway")
        try:
            with self._uninterrupted(plan):
                client = self.network.apps["gateway"].test_client()
                made = Context().run(client.post, "/checkout", json=body, headers=headers)
            return Answer(made.status_code, json.loads(made.data), "Retry-After" in made.headers)
        except Killed:
            return Answer(0, {}, False)
        finally:
            self.network.running.pop()

    def _judge(self, purchase: Purchase, answer: Answer) -> None:
        """What must be true of every answer."""
        assert answer.status in (0, 201, 402, 409, 422, 502, 503, 504), f"nobody thought of this answer: {answer}"
        assert answer.told.get("reason") != "idempotency_key_reused", f"told that the key is another's: {answer}"
        if answer.told.get("reason") in NOTHING_BEGUN and len(purchase.answers) == 1:
            begun = {state for state in self.database.states(purchase.mark).values() if state != "failed"}
            assert not begun, f"told that nothing was begun, and there is an order, {begun}: {answer}"
        if answer.final and purchase.key:
            if purchase.final is None:
                purchase.final = answer
            first = purchase.final
            same = (first.status, first.told.get("order_id")) == (answer.status, answer.told.get("order_id"))
            assert same, f"the first answer does not stand: {first}, then {answer}"

    def invited(self, purchase: Purchase) -> bool:
        """Whether a customer without a key is told to come again, and does."""
        last = purchase.answers[-1]
        return purchase.key is None and last.status == 503 and last.retry_after

    def new_key(self) -> str:
        """A key that nobody has used."""
        return str(uuid.UUID(int=len(self.purchases) + 1))

    def calm(self) -> None:
        """Everything is well again."""
        self.network.fates.clear()
        self.provider.moods.clear()
        self.network.away.clear()
        self.database.unlock()
        self.recover()
        self.network.arrive()

    def waiting(self) -> tuple[int, int]:
        """Pending orders, and messages in the outbox."""
        query = "SELECT (SELECT count(*) FROM orders WHERE status = 'pending'), (SELECT count(*) FROM outbox)"
        (row,) = self.database.orders.execute(query).fetchall()
        return row

    def settle(self) -> None:
        """Let the worker finish what is left, in a bounded number of turns."""
        for _ in range(6 + 3 * sum(self.waiting())):
            if not any(self.waiting()):
                return
            self.pass_time(SETTLE_AFTER_SECONDS + 1)
            self.work()
        pytest.fail(f"nobody finishes these (pending orders, messages): {self.waiting()}")

    def finish(self) -> None:
        """All is well again: the worker ends what was left, every customer gets an answer; then it must add up."""
        self.calm()
        self.settle()
        for purchase in self.purchases:
            with suppress(StopIteration):
                self._come_again(purchase)
        self.settle()
        self._reconcile()

    def _come_again(self, purchase: Purchase) -> None:
        """Repeat what has no answer yet, and what has: a key's answer stays, an invitation is followed."""
        if purchase.key is None:
            while self.invited(purchase):
                self.buy(purchase)
        elif not purchase.given_up:
            answer = self.buy(purchase)
            fails = purchase.body["card"].endswith("0119")
            assert answer.final or fails, f"all is well, and there is no final answer: {answer}"

    def _reconcile(self) -> None:
        """What the customers were told is what there is, and nobody has paid twice."""
        captured = self.provider.captured()
        for purchase in self.purchases:
            states = self.database.states(purchase.mark)
            paid = captured & states.keys()
            history = "; ".join(map(str, purchase.answers))
            assert len(paid) <= 1, f"charged twice, for {sorted(paid)}, after these answers: {history}"
            assert {each for each, state in states.items() if state == "confirmed"} == paid, f"{states}, paid {paid}"
            last = purchase.answers[-1]
            if last.status == 201:
                assert paid == {last.told["order_id"]}, f"paid for {paid}, after these answers: {history}"
            elif last.final and not purchase.given_up:
                assert not paid, f"paid for {paid}, after these answers: {history}"
