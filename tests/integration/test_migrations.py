"""An upgrade finds the data of an earlier version, and works with it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from common.errors import Problem
from order import queues, store
from services.postgres import migrations, prepare
from workshop.stack.local import supervisor
from workshop.stack.local import system as local
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.settings import ROOT

from .conftest import Eventually

SCHEMAS = ROOT / "tests" / "fixtures" / "schemas"
OLD = [folder.name for folder in sorted(SCHEMAS.iterdir())]
SERVICES = {"order": "orders", "inventory": "inventory"}

COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = 'public'
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
TRIGGERS = "SELECT event_object_table, trigger_name, event_manipulation FROM information_schema.triggers"
CHECKS = "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'"

# One order in each state, as the version wrote them.
ORDERS = {
    "first": """
        INSERT INTO orders (id, customer_id, items, status, reason, total_cents, currency)
        VALUES ('a', 'c', '[{"sku": "SKU-00001", "quantity": 1}]', 'confirmed', NULL, 8309, 'EUR'),
               ('b', 'c', '[{"sku": "SKU-00001", "quantity": 1}]', 'failed', 'declined', NULL, NULL),
               ('p', 'c', '[{"sku": "SKU-00001", "quantity": 1}]', 'pending', NULL, NULL, NULL);
        INSERT INTO outbox (topic, order_id, headers) VALUES ('order.confirmed', 'a', '{}');
    """,
    "before_migrations": """
        INSERT INTO orders (id, customer_id, idempotency_key, items, status, reason, failure, total_cents, currency)
        VALUES ('a', 'c', 'k', '[{"sku": "SKU-00001", "quantity": 1}]', 'confirmed', NULL, NULL, 8309, 'EUR'),
               ('b', 'c', 'b', '[{"sku": "SKU-00001", "quantity": 1}]', 'failed', 'interrupted',
                '{"status": 503, "detail": "interrupted", "extra": {}}', NULL, NULL),
               ('p', 'c', 'q', '[{"sku": "SKU-00001", "quantity": 1}]', 'pending', NULL, NULL, NULL, NULL);
        INSERT INTO outbox (topic, order_id, headers) VALUES ('order.confirmed', 'a', '{}');
    """,
}
# What the old order had in the stock: the ledger of the inventory's database.
STOCK = """
    INSERT INTO product VALUES ('SKU-00001', 'Amber Apron', 8309, 'EUR');
    INSERT INTO stock_movement (sku, quantity, reason, order_id)
    VALUES ('SKU-00001', 60, 'delivery', NULL), ('SKU-00001', -1, 'sale', 'a');
    INSERT INTO reservation (order_id, items, currency)
    VALUES ('a', '[{"sku": "SKU-00001", "quantity": 1, "price_cents": 8309}]', 'EUR');
    CREATE TABLE seeded (products integer NOT NULL, movements bigint NOT NULL);
    INSERT INTO seeded VALUES (10, 100);
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchStack]:
    """A PostgreSQL without a database of ours."""
    scratch = ScratchStack(tmp_path_factory.mktemp("migrations"), seed_products=10, seed_movements=100)
    with scratch.only_postgres():
        yield scratch
    local.remove(scratch.settings)


def fresh(scratch: ScratchStack, service: str, name: str) -> str:
    """The URL of a new database of a service's, empty."""
    url = scratch.settings.database_url(SERVICES[service], name)
    with psycopg.connect(scratch.settings.database_url("postgres", "postgres"), autocommit=True) as admin:
        prepare.make_database(admin, url, {})
    return url


def as_of(url: str, version: str, service: str) -> None:
    """The tables of an old version and its rows, as that version made them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((SCHEMAS / version / f"{service}.sql").read_bytes())
        connection.execute((ORDERS[version] if service == "order" else STOCK).encode())


def schema(url: str) -> dict[str, set[Any]]:
    """What a database's tables are like, whatever the order in which that came about."""
    with psycopg.connect(url) as connection:
        return {query: set(connection.execute(query.encode())) for query in (COLUMNS, INDEXES, TRIGGERS, CHECKS)}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("version", OLD)
def test_old_data_gets_the_same_schema_as_new_data(postgres: ScratchStack, version: str, service: str) -> None:
    """Column for column and index for index; and a second time nothing is left to do."""
    old = fresh(postgres, service, f"old_{version}_{service}")
    as_of(old, version, service)
    new = fresh(postgres, service, f"new_{version}_{service}")
    files = [migration.name for migration in migrations.read(ROOT / service / "migrations")]
    for url in (old, new):
        assert migrations.apply(url, ROOT / service / "migrations") == files
        assert migrations.apply(url, ROOT / service / "migrations") == []
    seeded = {"seeded"} if service == "inventory" else set()
    theirs = {query: {row for row in rows if row[0] not in seeded} for query, rows in schema(old).items()}
    assert theirs == schema(new)


@pytest.mark.parametrize("version", OLD)
def test_todays_code_works_with_yesterdays_orders(postgres: ScratchStack, version: str) -> None:
    """Each order is as it was, and can be found, failed, taken in hand and announced."""
    url = fresh(postgres, "order", f"used_{version}")
    as_of(url, version, "order")
    migrations.apply(url, ROOT / "order" / "migrations")
    with psycopg.connect(url, autocommit=True) as connection:
        found = {order_id: store.find(connection, order_id) for order_id in "abp"}
        assert [order and order["status"] for order in found.values()] == ["confirmed", "failed", "pending"]
        assert found["a"] and found["a"]["total_cents"] == 8309
        connection.execute("UPDATE orders SET attended_at = now() - interval '1 hour'")
        taken = queues.stale_orders(30).take(connection)
        assert taken and (taken.id, taken.headers) == ("p", None)
        assert store.fail(connection, "p", Problem(503, "interrupted"))
        row = connection.execute("SELECT failure FROM orders WHERE id = 'b'").fetchone()
        assert row and row[0]["status"] == 503


def test_two_prepare_at_once(postgres: ScratchStack) -> None:
    """One does the work, the other waits and finds it done: one seed, each file once."""
    command = [sys.executable, "-P", "-m", "services.postgres.prepare"]
    environment = supervisor.environment(postgres.settings)
    both = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0] * 4, said
    assert sum("0001_orders_and_outbox applied" in text for text in said) == 1
    with psycopg.connect(postgres.settings.database_url("inventory", "inventory")) as connection:
        assert connection.execute("SELECT count(*) FROM stock_movement").fetchone() == (100,)
        assert connection.execute("SELECT count(*) FROM seeded").fetchone() == (1,)


def folder_of(path: Path, **files: str) -> Path:
    """A folder of migrations."""
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / f"{name}.sql").write_text(text)
    return path


def test_a_file_that_fails_leaves_nothing(postgres: ScratchStack, tmp_path: Path) -> None:
    """The one before it stays, nothing of its own does, and the message names it."""
    url = fresh(postgres, "order", "broken")
    bad = "CREATE TABLE b (id int); INSERT INTO nowhere VALUES (1);"
    folder = folder_of(tmp_path / "m", **{"0001_good": "CREATE TABLE a (id int)", "0002_bad": bad})
    with pytest.raises(SystemExit, match=r'0002_bad\.sql could not be applied to the database broken.*"nowhere"'):
        migrations.apply(url, folder)
    tables = {row[0] for row in schema(url)[COLUMNS]}
    assert tables == {"a", "schema_migration"}
    folder_of(folder, **{"0002_bad": "CREATE TABLE b (id int)"})
    assert migrations.apply(url, folder) == ["0002_bad"]


def test_data_that_this_checkout_does_not_know_is_told(postgres: ScratchStack, tmp_path: Path) -> None:
    """Of a newer version, or of a file that was changed since; nothing is applied then."""
    url = fresh(postgres, "order", "newer")
    folder = folder_of(tmp_path / "m", **{"0001_a": "CREATE TABLE a (id int)", "0002_b": "CREATE TABLE b (id int)"})
    migrations.apply(url, folder)
    older = folder_of(tmp_path / "older", **{"0001_a": "CREATE TABLE a (id int)"})
    with pytest.raises(SystemExit, match=r"has had 0002_b, which is not in .*another version of this checkout"):
        migrations.apply(url, older)
    folder_of(folder, **{"0001_a": "CREATE TABLE a (id bigint)", "0003_c": "CREATE TABLE c (id int)"})
    with pytest.raises(SystemExit, match=r"0001_a\.sql was changed after the database newer had it"):
        migrations.apply(url, folder)
    assert "c" not in {row[0] for row in schema(url)[COLUMNS]}


def test_a_lock_that_is_held_is_told(postgres: ScratchStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds the table is not waited for without end: everyone else would wait behind us."""
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "200ms")
    url = fresh(postgres, "order", "held")
    folder = folder_of(tmp_path / "m", **{"0001_a": "CREATE TABLE a (id int)"})
    migrations.apply(url, folder)
    folder_of(folder, **{"0002_b": "ALTER TABLE a ADD COLUMN b int"})
    with psycopg.connect(url) as holder:
        holder.execute("SELECT * FROM a")
        with pytest.raises(SystemExit, match="0002_b waited 200ms for a lock in the database held: make down"):
            migrations.apply(url, folder)
    assert migrations.apply(url, folder) == ["0002_b"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"0001_a": "", "0001_b": ""}, "0001_a and 0001_b in .* have the same number: rename the newer one"),
        ({"1_a": ""}, r"1_a\.sql is no migration's name"),
        ({"0001-a": ""}, r"0001-a\.sql is no migration's name"),
        ({}, "there are no migrations in"),
    ],
)
def test_a_folder_that_has_no_order_is_told(tmp_path: Path, files: dict[str, str], said: str) -> None:
    """Before a database is asked."""
    with pytest.raises(SystemExit, match=said):
        migrations.read(folder_of(tmp_path / "m", **files))


@pytest.mark.parametrize("version", OLD)
def test_the_system_starts_on_old_data(tmp_path: Path, eventually: Eventually, version: str) -> None:
    """`make up` after an upgrade: what was in the outbox is delivered, and a customer buys."""
    scratch = ScratchStack(tmp_path / "state", seed_products=10, seed_movements=100)
    with scratch.only_postgres():
        for service, name in SERVICES.items():
            as_of(fresh(scratch, service, name), version, service)
    with scratch.running():
        assert "201 " in scratch.must("checkout", "--items", "SKU-00001:1")
        with psycopg.connect(scratch.settings.database_url("orders", "orders"), autocommit=True) as connection:
            announced = "SELECT 1 FROM orders WHERE announced_at IS NOT NULL AND id = 'a'"
            eventually("the old message is delivered", lambda: connection.execute(announced).fetchone())
