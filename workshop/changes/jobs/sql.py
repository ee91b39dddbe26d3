"""Runs a file of SQL in one transaction, again and again: somebody else's job on our database."""

import argparse
import contextlib
import logging
import os
import signal
import time
from pathlib import Path

import psycopg

# Before the next run, after one that failed: the database is away, or said no.
PAUSE_SECONDS = 1.0
# A job that is cut off without a word must not leave its locks behind: PostgreSQL looks after it every second or two.
CUT_OFF = "client_connection_check_interval=1s tcp_keepalives_idle=2 tcp_keepalives_interval=1 tcp_keepalives_count=2"
OPTIONS = " ".join(f"-c {setting}" for setting in CUT_OFF.split())


def run(name: str, url: str, seconds_between: float) -> None:
    """Run `NAME.sql` of this folder until the process is ended."""
    statements = Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")
    while True:
        began = time.monotonic()
        try:
            with psycopg.connect(url, connect_timeout=3, application_name=name, options=OPTIONS) as connection:
                connection.execute(statements.encode())
            logging.info("%s: done in %.1f s", name, time.monotonic() - began)
            time.sleep(seconds_between)
        except psycopg.Error as error:
            logging.warning("%s: %s", name, str(error).strip().splitlines()[0])
            time.sleep(PAUSE_SECONDS)


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--database", choices=("orders", "inventory"), default="inventory")
    parser.add_argument("--every", type=float, default=0.0, help="seconds between two runs")
    given = parser.parse_args()
    # As Ctrl-C: the statement in hand is canceled, and with its connection the locks go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        run(given.name, os.environ[f"{given.database.upper()}_DATABASE_URL"], given.every)


if __name__ == "__main__":
    main()
