"""Names of SQL spans."""

import pytest

import inventory.store
import order.queues
import order.store
from common.telemetry import summary

STATEMENTS = [
    (order.store.CREATE, "INSERT orders"),
    (order.store.CONFIRM, "UPDATE orders INSERT outbox"),
    (order.queues.TAKE_MESSAGE, "DELETE outbox SELECT outbox"),
    (inventory.store.SUM_ON_HAND, "SELECT stock_movement"),
    (inventory.store.LOCK_PRODUCTS, "SELECT product"),
    (inventory.store.RESERVE, "INSERT reservation INSERT stock_movement"),
    (inventory.store.RELEASE, "INSERT reservation INSERT stock_movement"),
    ("SELECT a FROM x JOIN y USING (i) -- from q", "SELECT x y"),
    ("INSERT INTO t SELECT * FROM s", "INSERT t SELECT s"),
    ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 2", "INSERT t"),
    ("UPDATE a SET b = (SELECT max(x) FROM c) WHERE d = 'from z'", "UPDATE a SELECT c"),
    ("SELECT 1", "SELECT"),
    ("LISTEN outbox", "LISTEN"),
]


@pytest.mark.parametrize(("statement", "expected"), STATEMENTS, ids=[expected for _, expected in STATEMENTS])
def test_summary(statement: str, expected: str) -> None:
    """Operations and tables in their order, and no values."""
    assert summary(statement) == expected
