"""What the system has written down about its orders: two databases, and the provider's list of charges."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
import requests
from psycopg.rows import class_row

from workshop.chaos import dead_letters
from workshop.chaos.dead_letters import DeadLetter
from workshop.stack import database as server
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings

ORDERS = """
SELECT id, status, items, total_cents, currency, announced_at IS NOT NULL AS announced,
       extract(epoch FROM now() - created_at)::float AS age
FROM orders
"""

OUTBOX = "SELECT id, order_id, extract(epoch FROM now() - created_at)::float AS age FROM outbox"

RESERVATIONS = "SELECT order_id, items, currency, released_at IS NOT NULL AS released FROM reservation"

# The whole ledger in one pass. Seeded rows have no order: they become one row a product.
LEDGER = """
SELECT sku, order_id, reason, sum(quantity) AS quantity, count(*) AS entries
FROM stock_movement
GROUP BY sku, order_id, reason
"""

EXIST = "SELECT id FROM orders WHERE id = ANY(%(ids)s)"

WAITING = """
SELECT (SELECT count(*) FROM orders WHERE status = 'pending' AND set_aside_at IS NULL) AS orders,
       (SELECT count(*) FROM outbox WHERE set_aside_at IS NULL) AS messages
"""

PAGE = 1000


class Order(NamedTuple):
    """A row of `orders`; `age` is in seconds."""

    id: str
    status: str
    items: list[dict[str, Any]]
    total_cents: int | None
    currency: str | None
    announced: bool
    age: float


class Message(NamedTuple):
    """A row of `outbox`; `age` is in seconds."""

    id: int
    order_id: str
    age: float


class Reservation(NamedTuple):
    """A row of `reservation`."""

    order_id: str
    items: list[dict[str, Any]]
    currency: str
    released: bool


class Movement(NamedTuple):
    """An order's movements of one product for one reason: their sum, and how many entries make it."""

    sku: str
    reason: str
    quantity: int
    entries: int


class Charge(NamedTuple):
    """The provider's answer to a charge: captured, declined or canceled. `key` is the order's id, if all is well."""

    key: str
    status: str
    amount: int | None
    currency: str | None
    reference: str | None = None

    @property
    def order_id(self) -> str:
        """The order that it was made for, by the payment service's own word where there is one."""
        return self.reference or self.key


@dataclass
class Records:
    """All of it. The orders and the outbox are of one moment; the rest was read later, so it may know more."""

    orders: list[Order] = field(default_factory=list)
    outbox: list[Message] = field(default_factory=list)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    movements: dict[str, list[Movement]] = field(default_factory=dict)
    on_hand: dict[str, int] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)  # by key
    dead_letters: list[DeadLetter] = field(default_factory=list)
    # Orders that were made after that moment: whatever is about them is not for this audit.
    newer: set[str] = field(default_factory=set)


class Waiting(NamedTuple):
    """What is not finished: pending orders, and messages in the outbox; not those that were set aside."""

    orders: int
    messages: int

    def __str__(self) -> str:
        return f"{self.orders} pending orders and {self.messages} messages in the outbox"


@contextmanager
def database(settings: Settings, name: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose statements all see one moment and change nothing; StackError when there is none."""
    try:
        with psycopg.connect(settings.database_url(name, name), connect_timeout=3) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            server.check_own(connection, settings)
            yield connection
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise StackError(f"PostgreSQL cannot be asked ({reason}): is the stack up? make status, make up") from None


def waiting(settings: Settings) -> Waiting:
    """What is not finished now."""
    with database(settings, "orders") as connection, connection.cursor(row_factory=class_row(Waiting)) as cursor:
        found = cursor.execute(WAITING).fetchone()
        assert found is not None
        return found


def read(settings: Settings) -> Records:
    """Read everything, the orders first: what they say was done then has been done when the rest is read."""
    records = Records()
    with database(settings, "orders") as connection:
        with connection.cursor(row_factory=class_row(Order)) as cursor:
            records.orders = cursor.execute(ORDERS).fetchall()
        with connection.cursor(row_factory=class_row(Message)) as cursor:
            records.outbox = cursor.execute(OUTBOX).fetchall()
        records.dead_letters = dead_letters.read(connection)
    with database(settings, "inventory") as connection:
        read_ledger(connection, records)
        with connection.cursor(row_factory=class_row(Reservation)) as cursor:
            records.reservations = {each.order_id: each for each in cursor.execute(RESERVATIONS)}
    records.charges = {charge.key: charge for charge in charges(settings)}
    known = {order.id for order in records.orders}
    charged = {charge.order_id for charge in records.charges.values()}
    unknown = (records.movements.keys() | records.reservations.keys() | charged) - known
    with database(settings, "orders") as connection:
        records.newer = {row[0] for row in connection.execute(EXIST, {"ids": list(unknown)})}
    return records


def read_ledger(connection: psycopg.Connection[Any], records: Records) -> None:
    """The products' stock, and the orders' movements."""
    on_hand: Counter[str] = Counter()
    movements: dict[str, list[Movement]] = defaultdict(list)
    for sku, order_id, reason, quantity, entries in connection.execute(LEDGER):
        on_hand[sku] += quantity
        if order_id is not None:
            movements[order_id].append(Movement(sku, reason, quantity, entries))
    records.on_hand, records.movements = dict(on_hand), dict(movements)


def charges(settings: Settings) -> Iterator[Charge]:
    """Every charge that the provider has decided, page by page; StackError when it does not answer."""
    url = f"http://127.0.0.1:{settings.provider_port}/v1/charges"
    after: str | None = ""
    with requests.Session() as session:
        session.trust_env = False  # no proxy stands between this machine and itself
        while after is not None:
            try:
                answer = session.get(url, params={"after": after, "limit": str(PAGE)}, timeout=10)
                answer.raise_for_status()
                page = answer.json()
            except requests.RequestException as error:
                raise StackError(
                    f"the provider at {url} cannot be asked ({type(error).__name__}): make status"
                ) from None
            for found in page["charges"]:
                money = found.get("amount"), found.get("currency")
                yield Charge(found["idempotency_key"], found["status"], *money, found.get("reference"))
            after = page["next"]
