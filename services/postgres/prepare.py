"""The services' secret, roles, databases, migrations and the seed: `python -m services.postgres.prepare`.

Safe to run again.
"""

import time
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field

from common.settings import ServiceSettings, load
from services import secret
from services.postgres import migrations, seed

ROOT = Path(__file__).resolve().parents[2]

# The ledger's plan is to be read by people: one process, no just-in-time compiler, so that what is slow is
# the scan and nothing else, on every machine.
INVENTORY_SETTINGS = {"max_parallel_workers_per_gather": "0", "jit": "off"}


class Settings(ServiceSettings):
    """What it connects to, and how much it seeds."""

    postgres_url: str = Field(description="URL of the server, as its superuser")
    orders_database_url: str = Field(description="URL of the orders' database, as the order service uses it")
    inventory_database_url: str = Field(description="URL of the inventory's database, as its service uses it")
    secrets_folder: Path = Field(description="folder that the services find their secret in")
    seed_products: int = Field(5000, ge=1, le=seed.MOST_PRODUCTS)
    seed_movements: int = Field(4_000_000, ge=0, le=100_000_000)


def wait_for_server(url: str, seconds: float = 60) -> None:
    """Return when the server takes connections; SystemExit when it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url, connect_timeout=3).close()
            return
        except psycopg.OperationalError as error:
            if "authentication failed" in str(error):
                raise SystemExit(
                    "PostgreSQL refuses the password: its data was made with another POSTGRES_PASSWORD. Set that one "
                    "again in .env, or make clean, which removes the data"
                ) from None
            if time.monotonic() > deadline:
                raise SystemExit(f"PostgreSQL does not take connections: {error}") from None
            time.sleep(0.1)


def make_database(admin: psycopg.Connection, url: str, settings: dict[str, str]) -> None:
    """The role and the database that `url` names, with these server settings for the database."""
    wanted = conninfo_to_dict(url)
    role, name = sql.Identifier(str(wanted["user"])), sql.Identifier(str(wanted["dbname"]))
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (wanted["user"],)).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    password = sql.Literal(wanted["password"])
    admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (wanted["dbname"],)).fetchone():
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))
    # `make chaos` lets a database refuse connections; if it was killed, that has stayed.
    admin.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(name))
    for key, value in settings.items():
        statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
        admin.execute(statement.format(name, sql.Identifier(key), sql.Literal(value)))


def bring_up_to_date(url: str, service: str) -> None:
    """Apply the service's migrations as its own role, and tell which ones were new."""
    for name in migrations.apply(url, ROOT / service / "migrations"):
        print(f"{service}: {name} applied", flush=True)


def main() -> None:
    """Prepare both databases; a second one who does so at the same time waits, and finds nothing left to do."""
    settings = load(Settings)
    if secret.make(settings.secrets_folder):
        print("the services' secret is made", flush=True)
    wait_for_server(settings.postgres_url)
    with psycopg.connect(settings.postgres_url, autocommit=True) as admin, migrations.turn(admin):
        make_database(admin, settings.orders_database_url, {})
        make_database(admin, settings.inventory_database_url, INVENTORY_SETTINGS)
        bring_up_to_date(settings.orders_database_url, "order")
        bring_up_to_date(settings.inventory_database_url, "inventory")
        with psycopg.connect(settings.inventory_database_url, autocommit=True) as inventory:
            seed.fill(inventory, settings.seed_products, settings.seed_movements)


if __name__ == "__main__":
    main()
