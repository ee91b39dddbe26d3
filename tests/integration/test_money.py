"""Nobody pays twice, or is told that nothing happened when something did, whatever fails between the steps."""

import contextlib
import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import requests
from pydantic import SecretStr

from common.database import open_pool
from common.digests import Digests
from common.errors import NOTHING_BEGUN, Problem
from common.settings import PoolSettings
from order import store
from order.clients import Inventory, Payment
from order.processing import NewOrder, OrderProcessor
from workshop.chaos.records import charges

from .conftest import GOOD_CARD, Eventually, FragileStack

PORTS = ("inventory_port", "payment_port")
DECLINED_CARD = "4000000000000002"
DELIVERY = "INSERT INTO stock_movement (sku, quantity, reason) VALUES (%s, %s, 'delivery')"


class Customer:
    """A customer of one checkout, who may come again with other headers and another card."""

    def __init__(self, stack: FragileStack, *skus: str) -> None:
        self.stack = stack
        self.name = f"customer-{uuid.uuid4()}"
        self.items = [{"sku": sku, "quantity": 1} for sku in skus or ("SKU-00007",)]

    def buy(self, card: str = GOOD_CARD, **headers: str) -> requests.Response:
        """One checkout."""
        body = {"customer_id": self.name, "items": self.items, "card": card}
        return requests.post(f"{self.stack.gateway}/checkout", json=body, headers=headers, timeout=30)

    def orders(self) -> list[tuple[str, str]]:
        """Id and status of the customer's orders."""
        query = "SELECT id, status FROM orders WHERE customer_id = %s ORDER BY created_at"
        with self.stack.orders() as connection:
            return connection.execute(query, (self.name,)).fetchall()

    def is_decided(self) -> bool:
        """Whether no order of the customer's is pending."""
        return all(status != "pending" for _, status in self.orders())

    def is_reserved(self) -> bool:
        """Whether there is stock for the customer's last order."""
        found = self.orders()
        query = "SELECT 1 FROM reservation WHERE order_id = %s AND released_at IS NULL"
        with self.stack.inventory() as connection:
            return bool(found) and connection.execute(query, (found[-1][0],)).fetchone() is not None

    def paid(self) -> int:
        """How many charges were captured for the customer."""
        mine = {order_id for order_id, _ in self.orders()}
        return sum(charge.order_id in mine and charge.status == "captured" for charge in charges(self.stack.settings))


@contextlib.contextmanager
def in_the_background(buy: Any, *arguments: Any, **more: Any) -> Iterator[list[requests.Response]]:
    """Buy meanwhile; after the block the answer is in the list."""
    answers: list[requests.Response] = []
    thread = threading.Thread(target=lambda: answers.append(buy(*arguments, **more)))
    thread.start()
    try:
        yield answers
    finally:
        thread.join()


@contextlib.contextmanager
def as_superuser(stack: FragileStack) -> Iterator[psycopg.Connection[Any]]:
    """A connection that may do anything to the databases."""
    with psycopg.connect(stack.settings.database_url("postgres", "postgres"), autocommit=True) as connection:
        yield connection


def cut(admin: psycopg.Connection[Any], database: str) -> None:
    """End every connection to a database."""
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))


@contextlib.contextmanager
def shut(admin: psycopg.Connection[Any], database: str) -> Iterator[None]:
    """A database that has lost its connections and takes no new ones."""
    admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false".encode())
    try:
        cut(admin, database)
        yield
    finally:
        admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true".encode())


@contextlib.contextmanager
def product(stack: FragileStack, pieces: int, price_cents: int = 500, currency: str = "EUR") -> Iterator[str]:
    """A product of one's own, with so many pieces on hand."""
    sku = f"OWN-{uuid.uuid4().hex[:8].upper()}"
    with stack.inventory() as connection:
        connection.execute("INSERT INTO product VALUES (%s, 'Own thing', %s, %s)", (sku, price_cents, currency))
        connection.execute(DELIVERY, (sku, pieces))
    yield sku


@contextlib.contextmanager
def locked(connection: psycopg.Connection[Any], query: str, value: str) -> Iterator[None]:
    """A stranger's transaction that holds a row."""
    with connection.transaction():
        assert connection.execute(query.encode(), (value,)).fetchone() is not None
        yield


@pytest.mark.parametrize("shut_for_good", [True, False], ids=["database away", "connections cut"])
def test_whoever_was_charged_is_never_told_that_nothing_was_begun(
    sound: FragileStack, eventually: Eventually, shut_for_good: bool
) -> None:
    """The orders' database is lost while stock is waited for: the answer has the order's id, and it is charged once."""
    with product(sound, 5) as sku, sound.inventory() as stranger, as_superuser(sound) as admin:
        customer = Customer(sound, sku)
        with contextlib.ExitStack() as faults, in_the_background(customer.buy) as answers:
            with locked(stranger, "SELECT sku FROM product WHERE sku = %s FOR UPDATE", sku):
                eventually("the order is written down", customer.orders)
                if shut_for_good:
                    faults.enter_context(shut(admin, "orders"))
                else:
                    cut(admin, "orders")
            while not answers:
                time.sleep(0.05)
        (answer,) = answers
        told = answer.json()
        ((order_id, _),) = customer.orders()
        assert told["order_id"] == order_id
        assert told.get("reason") not in NOTHING_BEGUN
        if not shut_for_good:
            assert answer.status_code == 201
        else:
            assert (answer.status_code, told["order_status"]) == (503, "pending")
            eventually("the order is decided", customer.is_decided)
            again = customer.buy(**{"Idempotency-Key": told["idempotency_key"]})
            assert (again.status_code, again.json()["order_id"]) == (201, order_id)
        assert customer.paid() == 1


def test_a_declined_card_stays_declined(sound: FragileStack, eventually: Eventually) -> None:
    """Its stock cannot be given back at once: 402 now, 402 when the worker is through, and never another charge."""
    customer = Customer(sound)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    with sound.inventory() as stranger, in_the_background(customer.buy, DECLINED_CARD, **key) as answers:
        eventually("the stock is reserved", customer.is_reserved)
        ((order_id, _),) = customer.orders()
        with locked(stranger, "SELECT order_id FROM reservation WHERE order_id = %s FOR UPDATE", order_id):
            while not answers:
                time.sleep(0.05)
            again = customer.buy(DECLINED_CARD, **key)
    first = answers[0]
    for answer in (first, again):
        assert (answer.status_code, answer.json()["order_status"]) == (402, "pending")
    eventually("the order is decided", customer.is_decided)
    last = customer.buy(DECLINED_CARD, **key)
    assert (last.status_code, last.json()["reason"], last.json()["order_status"]) == (402, "card_declined", "failed")
    assert {answer.json()["order_id"] for answer in (first, again, last)} == {order_id}
    assert customer.paid() == 0
    assert not customer.is_reserved()


def test_a_decline_that_nobody_wrote_down_is_found_out(sound: FragileStack, eventually: Eventually) -> None:
    """The order service is killed after the provider has declined: a repetition is told so all the same."""
    customer = Customer(sound)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    with sound.inventory() as stranger, in_the_background(customer.buy, DECLINED_CARD, **key):
        eventually("the stock is reserved", customer.is_reserved)
        ((order_id, _),) = customer.orders()
        with locked(stranger, "SELECT order_id FROM reservation WHERE order_id = %s FOR UPDATE", order_id):
            decided = lambda: [made for made in charges(sound.settings) if made.order_id == order_id]  # noqa: E731
            eventually("the provider has declined", decided)
            sound.stop("order")
    sound.start("order")
    eventually("the order is decided", customer.is_decided)
    again = customer.buy(DECLINED_CARD, **key)
    assert (again.status_code, again.json()["reason"], again.json()["order_id"]) == (402, "card_declined", order_id)


@pytest.mark.parametrize("reverse", [False, True], ids=["EUR first", "USD first"])
def test_money_of_two_currencies_is_not_added(fragile: FragileStack, reverse: bool) -> None:
    """422 that names a product of each, in whichever order they are listed; nothing is reserved or charged."""
    with product(fragile, 5) as euros, product(fragile, 5, currency="USD") as dollars:
        skus = [dollars, euros] if reverse else [euros, dollars]
        customer = Customer(fragile, *skus)
        answer = customer.buy()
        assert (answer.status_code, answer.json()["reason"]) == (422, "several_currencies")
        assert answer.json()["skus"] == sorted(skus)
        ((order_id, status),) = customer.orders()
        assert (answer.json()["order_id"], status) == (order_id, "failed")
        assert not customer.is_reserved()
        assert customer.paid() == 0
        assert fragile.on_hand(euros) == fragile.on_hand(dollars) == 5


def test_an_order_that_costs_too_much_is_told_before_it_is_reserved(fragile: FragileStack) -> None:
    """A cent above what one charge may be is 422 in the customer's words; exactly as much can be bought."""
    with product(fragile, 5, price_cents=100_000_000) as dear, product(fragile, 5, price_cents=1) as cheap:
        customer = Customer(fragile, dear, cheap)
        answer = customer.buy()
        assert (answer.status_code, answer.json()["reason"]) == (422, "too_expensive")
        assert answer.json()["detail"] == "the items cost 1,000,000.01 EUR: one order may cost 1,000,000.00 EUR at most"
        assert not customer.is_reserved()
        assert Customer(fragile, dear).buy().status_code == 201


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_role_s_isolation_level_sells_nothing_twice(sound: FragileStack, eventually: Eventually, level: str) -> None:
    """Two want the last piece and wait for its row; the database's defaults are none that the code was written for."""
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid') HAVING count(*) = 2"
    with product(sound, 1) as sku, as_superuser(sound) as admin:
        try:
            for name in ("inventory", "orders"):
                admin.execute(f"ALTER ROLE {name} SET default_transaction_isolation = '{level}'".encode())
                cut(admin, name)
            with ThreadPoolExecutor(2) as pool, sound.inventory() as stranger:
                with locked(stranger, "SELECT sku FROM product WHERE sku = %s FOR UPDATE", sku):
                    bought = [pool.submit(Customer(sound, sku).buy) for _ in range(2)]
                    eventually("both wait", lambda: admin.execute(waiting.encode()).fetchone())
                answers = [each.result() for each in bought]
        finally:
            for name in ("inventory", "orders"):
                admin.execute(f"ALTER ROLE {name} RESET default_transaction_isolation".encode())
                cut(admin, name)
        assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]
        assert sound.on_hand(sku) == 0


def test_what_cannot_be_finished_in_time_is_not_begun(fragile: FragileStack) -> None:
    """A customer who waits 75 ms forty times leaves no order behind."""
    customer = Customer(fragile)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: customer.buy(**{"X-Timeout-Ms": "75"}), range(40)))
    assert {(answer.status_code, answer.json()["reason"]) for answer in answers} == {(504, "no_time")}
    assert "order_status" not in answers[0].json()
    assert customer.orders() == []


@pytest.mark.parametrize("milliseconds", [250, 300, 350, 400, 450, 500])
def test_what_was_begun_in_too_short_a_time_is_ended_at_once(
    sound: FragileStack, eventually: Eventually, milliseconds: int
) -> None:
    """The provider takes 400: the time ends before, at, or after the charge. Nobody waits for half a minute then."""
    customer = Customer(sound)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers = [customer.buy(**key, **{"X-Timeout-Ms": str(milliseconds)})]
    assert answers[0].status_code in (201, 504)
    if answers[0].status_code == 504 and "order_id" in answers[0].json():
        assert answers[0].json()["order_status"] in ("pending", "failed")
    # Less than the fragile stack's worker leaves others' orders alone.
    began = time.monotonic()
    eventually("the order is decided", customer.is_decided)
    assert time.monotonic() - began < sound.settings.settle_after_seconds
    eventually("the key can be used", lambda: customer.buy(**key).status_code == 201)
    assert customer.paid() == 1


@contextlib.contextmanager
def order_processor(stack: FragileStack) -> Iterator[OrderProcessor]:
    """The order service's own, with the stack's database and services behind it."""
    secret = SecretStr(stack.secret)
    inventory, payment = (f"http://127.0.0.1:{getattr(stack.settings, name)}" for name in PORTS)
    with contextlib.closing(open_pool(stack.settings.database_url("orders", "orders"))) as pool:
        yield OrderProcessor(pool, Inventory(inventory, secret, 12.0), Payment(payment, secret, 12.0), Digests(secret))


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "not carried out"])
@pytest.mark.parametrize(
    ("statement", "card"), [("create", GOOD_CARD), ("confirm", GOOD_CARD), ("fail", DECLINED_CARD)]
)
def test_a_statement_whose_connection_breaks_is_made_again(
    sound: FragileStack, monkeypatch: pytest.MonkeyPatch, statement: str, card: str, carried_out: bool
) -> None:
    """Whether or not the database has carried it out: the customer gets the answer, and there is one order."""
    customer = Customer(sound)
    found = getattr(store, statement)
    lost: list[int] = []

    def lose(connection: psycopg.Connection[Any], *arguments: Any, **more: Any) -> Any:
        if lost:
            return found(connection, *arguments, **more)
        lost.append(connection.info.backend_pid)
        if carried_out:
            found(connection, *arguments, **more)
        with as_superuser(sound) as admin:
            assert admin.execute("SELECT pg_terminate_backend(%s, 5000)", (lost[0],)).fetchone() == (True,)
        return found(connection, *arguments, **more)

    monkeypatch.setattr(store, statement, lose)
    order_id, key = str(uuid.uuid4()), str(uuid.uuid4())
    order = NewOrder.model_validate({"customer_id": customer.name, "items": customer.items, "card": card})
    with order_processor(sound) as processor:
        if card == GOOD_CARD:
            assert processor.process(order_id, key, order)["order_id"] == order_id
        else:
            with pytest.raises(Problem) as caught:
                processor.process(order_id, key, order)
            assert (caught.value.status, caught.value.extra["order_status"]) == (402, "failed")
    assert len(lost) == 1
    assert customer.orders() == [(order_id, "confirmed" if card == GOOD_CARD else "failed")]
    with sound.orders() as connection:
        messages = connection.execute("SELECT count(*) FROM outbox WHERE order_id = %s", (order_id,)).fetchone()
        sent = connection.execute("SELECT announced_at FROM orders WHERE id = %s", (order_id,)).fetchone()
    assert messages is not None and sent is not None
    assert (messages[0] == 1 or sent[0] is not None) is (card == GOOD_CARD)
    assert customer.paid() == (card == GOOD_CARD)


def test_a_database_that_is_away_for_a_moment_costs_no_checkout(sound: FragileStack, eventually: Eventually) -> None:
    """Cut and refused while stock is waited for, and for longer than one wait for a connection: it is confirmed."""
    with product(sound, 5) as sku, sound.inventory() as stranger, as_superuser(sound) as admin:
        customer = Customer(sound, sku)
        with in_the_background(customer.buy) as answers, contextlib.ExitStack() as faults:
            with locked(stranger, "SELECT sku FROM product WHERE sku = %s FOR UPDATE", sku):
                eventually("the order is written down", customer.orders)
                ((order_id, _),) = customer.orders()
                faults.enter_context(shut(admin, "orders"))
            charged = lambda: [made for made in charges(sound.settings) if made.order_id == order_id]  # noqa: E731
            eventually("the card is charged", charged)
            time.sleep(PoolSettings.model_fields["database_pool_seconds"].default + 1)
        assert (answers[0].status_code, answers[0].json()["order_id"]) == (201, order_id)
        assert customer.paid() == 1


def test_a_key_that_is_freed_meanwhile_is_used_anew(sound: FragileStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between "it is used" and "by which order" the first one fails and frees its key: that is no other order's key."""
    customer = Customer(sound)
    made, key = [str(uuid.uuid4()) for _ in range(2)], str(uuid.uuid4())
    found = store.find_by_key
    failure = Problem(502, "the payment provider failed 3 times: it answered 500")

    def find(connection: psycopg.Connection[Any], customer_id: str, idempotency_key: str) -> dict[str, Any] | None:
        assert store.fail(connection, made[0], failure)
        return found(connection, customer_id, idempotency_key)

    order = NewOrder.model_validate({"customer_id": customer.name, "items": customer.items, "card": GOOD_CARD})
    with order_processor(sound) as processor:
        digest = processor.digests.of(order)
        with processor.pool.connection() as connection:
            assert store.create(connection, made[0], customer.name, key, customer.items, {}, digest)
        monkeypatch.setattr(store, "find_by_key", find)
        assert processor.process(made[1], key, order)["order_id"] == made[1]
    assert customer.orders() == [(made[0], "failed"), (made[1], "confirmed")]


def test_a_key_belongs_to_the_whole_request(fragile: FragileStack) -> None:
    """Another card, even one that ends alike, is another request: 422, whatever the first one was answered."""
    for card in (GOOD_CARD, DECLINED_CARD):
        customer, key = Customer(fragile), {"Idempotency-Key": str(uuid.uuid4())}
        first = customer.buy(card, **key)
        for other in ("5105105105104242", "4111111111110002", "4000000000000077"):
            answer = customer.buy(other, **key)
            assert (answer.status_code, answer.json()["reason"]) == (422, "idempotency_key_reused")
            assert "order_status" not in answer.json()
        assert customer.buy(card, **key).json()["order_id"] == first.json()["order_id"]
        assert customer.paid() == (card == GOOD_CARD)
    with fragile.orders() as connection:
        rows = connection.execute("SELECT * FROM orders WHERE customer_id = %s", (customer.name,)).fetchall()
    assert len(rows) == 1
    assert DECLINED_CARD not in str(rows)


def test_two_keys_are_none(fragile: FragileStack) -> None:
    """Two Idempotency-Key headers are 400; which one counts would depend on who reads them."""
    customer = Customer(fragile)
    body = {"customer_id": customer.name, "items": customer.items, "card": GOOD_CARD}
    for port, path in (("gateway_port", "/checkout"), ("order_port", "/orders")):
        connection = http.client.HTTPConnection("127.0.0.1", getattr(fragile.settings, port), timeout=25)
        connection.putrequest("POST", path)
        text = json.dumps(body).encode()
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(text)))):
            connection.putheader(name, value)
        for value in ("a", "b"):
            connection.putheader("Idempotency-Key", value)
        connection.endheaders(text)
        answer = connection.getresponse()
        assert (answer.status, "Idempotency-Key" in answer.read().decode()) == (400, True)
        connection.close()
    assert customer.orders() == []


PLACED = {
    "reserve": ("inventory_port", "POST", "/reservations"),
    "release": ("inventory_port", "DELETE", "/reservations/{order_id}"),
    "charge": ("payment_port", "POST", "/charges"),
    "cancel": ("payment_port", "POST", "/charges/{order_id}/cancel"),
}


@pytest.mark.parametrize("what", PLACED)
def test_only_the_order_service_charges_and_reserves(fragile: FragileStack, what: str) -> None:
    """Without its secret, or with a part of it, nothing is done: 401; anybody may look at the catalogue."""
    port, method, path = PLACED[what]
    order_id = str(uuid.uuid4())
    body = {
        "reserve": {"order_id": order_id, "items": [{"sku": "SKU-00007", "quantity": 1}]},
        "charge": {"order_id": order_id, "amount_cents": 100, "currency": "EUR", "card": GOOD_CARD},
    }
    base = f"http://127.0.0.1:{getattr(fragile.settings, port)}"
    secret = fragile.secret
    for shown in (
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {secret[:-1]}",
        f"Bearer {secret}x",
        f"Basic {secret}",
        "Bearer \xe9",
    ):
        headers = {"Authorization": shown.encode("latin-1")} if shown else {}
        url = base + path.format(order_id=order_id)
        answer = requests.request(method, url, json=body.get(what), headers=headers, timeout=10)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert order_id not in {charge.order_id for charge in charges(fragile.settings)}
    with fragile.inventory() as connection:
        assert connection.execute("SELECT 1 FROM reservation WHERE order_id = %s", (order_id,)).fetchone() is None
    assert requests.get(f"http://127.0.0.1:{fragile.settings.inventory_port}/products", timeout=10).ok


def test_the_secret_is_told_nobody(fragile: FragileStack) -> None:
    """It is in no span and no log of a checkout, and no other user of this machine can read it."""
    answer = Customer(fragile).buy()
    assert answer.status_code == 201
    trace_id = answer.json()["trace_id"]
    fragile.trace(trace_id, 16)
    url = f"{fragile.settings.jaeger_url}/api/traces/{trace_id}"
    told = [requests.get(url, timeout=10).text, *(path.read_text() for path in fragile.settings.logs.iterdir())]
    assert trace_id in told[0]
    assert not [text for text in told if fragile.secret in text]
    folder = fragile.settings.state / "secrets"
    assert [path.stat().st_mode & 0o077 for path in (folder, folder / "service_secret")] == [0, 0]


@pytest.mark.parametrize("port", ["gateway_port", "order_port"])
def test_of_two_cards_neither_is_charged(fragile: FragileStack, port: str) -> None:
    """A body that is right but for a member that stands twice: 400, and nothing is ordered."""
    customer = Customer(fragile)
    body = json.dumps({"customer_id": customer.name, "items": customer.items, "card": DECLINED_CARD})
    twice = body[:-1] + f', "card": "{GOOD_CARD}"}}'
    path = {"gateway_port": "/checkout", "order_port": "/orders"}[port]
    url = f"http://127.0.0.1:{getattr(fragile.settings, port)}{path}"
    answer = requests.post(url, data=twice, headers={"Content-Type": "application/json"}, timeout=25)
    assert (answer.status_code, "twice" in answer.text) == (400, True)
    assert customer.orders() == []
