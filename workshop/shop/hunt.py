"""`spans hunt`: one slow checkout among many others, in logs as most systems have them.

The answer comes from the trace. What the incident looked like before there was tracing.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import requests

from workshop.logs.log_lines import LogLine
from workshop.logs.reading import lines_between, raw_lines
from workshop.shop import checkout, history, hunt_logs, ledger
from workshop.shop.hunt_logs import Written
from workshop.stack import database, own
from workshop.stack.errors import StackError
from workshop.stack.screen import say, waiting
from workshop.stack.settings import Settings, current

SERVICES = ("gateway", "order", "inventory", "payment")
# How far back the logs go: nobody knows to the minute when it was. In seconds.
LOOK_BACK = 900.0
# How long the last lines may take to get into the logs. In seconds.
PATIENCE = 5.0
# From where on PostgreSQL logs a statement at level 2: what people set who want to know of slow ones. In milliseconds.
SLOW_STATEMENT_MS = 100
POSTGRES = "postgresql.log"
# What stays in the dark however long one looks, by level.
UNKNOWABLE = {
    1: (
        "Which statement it was: nothing was written while it ran. Nor can these logs tell an inventory that works",
        "from one that waits for a lock, or from a slow network: they have moments, and no durations.",
    ),
    2: (
        "That the customer waited for this statement and no other: the log names the products, not the checkout, and",
        "what it does not name (a wait for a lock, for a connection, for the network) it cannot rule out.",
    ),
}


@dataclass(frozen=True)
class Bought:
    """A confirmed checkout: whose, when it was answered (Unix s), how long it took, which order and trace."""

    customer: str
    at: float
    ms: float
    order_id: str
    trace_id: str


def hunt(checkouts: int, clients: int, level: int) -> None:
    """Let many customers shop at once, write the logs of the last minutes without ids, and tell the complaint."""
    settings = own.system()
    with database.inventory(settings) as connection:
        if ledger.index_state(connection) == "there":
            raise StackError(
                f"nobody would complain: the index {ledger.INDEX} is there, and every checkout is quick. "
                "make break drops it, then make hunt"
            )
    log_slow_statements(settings, level == 2)
    try:
        with waiting(f"{clients} customers at once make {checkouts} checkouts, and look around in the shop"):
            bought = fire(settings, checkouts, clients)
            wait_for_lines(settings, bought)
    finally:
        log_slow_statements(settings, False)
    # A customer like any other: the longest wait of all would be too easy to find.
    wanted = sorted(bought, key=lambda each: each.ms)[len(bought) // 2]
    files = collect(settings)
    folder = write(settings, files, wanted, level)
    show(files, folder, wanted, suffix(wanted, bought), level)


def log_slow_statements(settings: Settings, wanted: bool) -> None:
    """Switch PostgreSQL's log of slow statements on or off, as an administrator does, without a restart."""
    try:
        url = settings.database_url("postgres", "postgres")
        with psycopg.connect(url, connect_timeout=3, autocommit=True) as connection:
            database.check_own(connection, settings)
            if wanted:
                connection.execute(f"ALTER SYSTEM SET log_min_duration_statement = {SLOW_STATEMENT_MS}".encode())
            else:
                connection.execute("ALTER SYSTEM RESET log_min_duration_statement")
            connection.execute("SELECT pg_reload_conf()")
    except psycopg.Error as error:
        raise StackError(f"PostgreSQL's log of slow statements could not be set: {str(error).strip()}") from None


def fire(settings: Settings, checkouts: int, clients: int) -> list[Bought]:
    """Make checkouts for several customers at once, each after a look at the catalogue; those that were confirmed.

    One whose trace is not kept has nothing to be found in the end, so it is none of them.
    """
    refused: list[str] = []

    def shop(number: int) -> Bought | None:
        customer = f"customer-{number % clients + 1:02}"
        with requests.Session() as session:
            session.trust_env = False
            items = checkout.pick(settings.seed_products)
            checkout.browse(session, settings)
            told = checkout.buy(session, settings, items, checkout.GOOD_CARD, customer)
        if not (told.good and told.sampled and told.trace_id and told.order_id):
            refused.append(f"{told.status} {told.words if told.sampled else 'not sampled'}")
            return None
        return Bought(customer, time.time(), told.ms, told.order_id, told.trace_id)

    with ThreadPoolExecutor(clients) as pool:
        found = [each for each in pool.map(shop, range(checkouts)) if each]
    if not found:
        raise StackError(f"no checkout was confirmed and has a trace, the last one: {refused[-1]}")
    return found


def wait_for_lines(settings: Settings, bought: list[Bought]) -> None:
    """Come back when every service's lines about the checkouts are in the logs; StackError when some stay away."""
    deadline = time.monotonic() + PATIENCE
    since = min(each.at - each.ms / 1e3 for each in bought) - 1
    while True:
        missing = {(service, each.trace_id) for service in SERVICES for each in bought}
        missing -= {
            (line.service, line.trace_id)
            for line in lines_between(settings, SERVICES, since)
            if "method" in line.fields
        }
        if not missing:
            return
        if time.monotonic() > deadline:
            service, trace_id = min(missing)
            raise StackError(f"{service} logged nothing about trace {trace_id}: hunting needs LOG_LEVEL=INFO or DEBUG")
        time.sleep(0.1)


def collect(settings: Settings) -> dict[str, list[Written]]:
    """The last minutes of every log, by the name of its file."""
    since = time.time() - LOOK_BACK
    files = hunt_logs.logs_of(_sayings(lines_between(settings, SERVICES, since)))
    raw = raw_lines(settings, ["postgres"], since)
    return {**files, POSTGRES: [Written(line, "") for line in hunt_logs.postgres_log(raw, since)]}


def _sayings(lines: list[LogLine]) -> Iterator[LogLine]:
    """The lines about requests; what a process says of its own start is no part of the story."""
    return (line for line in lines if line.trace_id)


def write(settings: Settings, files: dict[str, list[Written]], wanted: Bought, level: int) -> Path:
    """Put each log into a file of its own, for grep and less, and remember the answer; returns the folder."""
    folder = settings.state / "hunt"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.log"):
        old.unlink()
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line.text}\n" for line in lines))
    answer = {
        "trace_id": wanted.trace_id,
        "order_id": wanted.order_id,
        "ms": round(wanted.ms, 1),
        "level": level,
        "lines": {name: list(hunt_logs.numbers(lines, wanted.trace_id)) for name, lines in files.items()},
        "alike": {name: hunt_logs.alike(lines, wanted.trace_id) for name, lines in files.items()},
    }
    (settings.state / "hunt-answer.json").write_text(json.dumps(answer) + "\n")
    return folder


def read_answer() -> dict[str, Any]:
    """What is known about the last hunt: trace_id, order_id, ms, level; lines and alike by file. StackError if none."""
    path = current().state / "hunt-answer.json"
    try:
        answer = dict(json.loads(path.read_text()))
        answer["order_id"], answer["level"], answer["alike"]
    except (OSError, ValueError, KeyError):
        raise StackError("there was no hunt yet: make hunt") from None
    return answer


def solve() -> dict[str, Any]:
    """The answer of the last hunt; from now on `spans trace` without an id means its checkout."""
    answer = read_answer()
    history.append({"kind": "hunt", "trace_id": answer["trace_id"]})
    return answer


def suffix(wanted: Bought, bought: list[Bought]) -> str:
    """The end of the order's id, as long as it takes to tell it from the others: what a customer reads out."""
    length = 3
    while sum(each.order_id.endswith(wanted.order_id[-length:]) for each in bought) > 1:
        length += 1
    return wanted.order_id[-length:]


def show(files: dict[str, list[Written]], folder: Path, wanted: Bought, tail: str, level: int) -> None:
    """Print where the logs are, then the complaint and the questions."""
    say("")
    say("The logs of the last minutes, as they are where nobody traces", "bold")
    width = max(map(len, files))
    for name, lines in files.items():
        say(f"  {name:{width}}  {len(lines):5} lines   {describe(name)}")
    say(f"  in {folder}")
    say("")
    say("The complaint", "bold")
    say(f'  "I bought something {hunt_logs.about(datetime.fromtimestamp(wanted.at).astimezone())}, and it took ages.')
    say(f'  The order number ends in …{tail}."')
    say("")
    say("The questions", "bold")
    say("  1. Which lines of each log are about this checkout?")
    say("  2. Which service kept the customer waiting, and for how long?")
    say("  3. What did it do in that time: which statement?")
    say("")
    if level == 1:
        say("Nobody had thought of logging slow statements beforehand; with that it is make hunt LEVEL=2.")
    say("grep, less and patience; write down how long it took. Then: make hunt ARGS=--answer")


def describe(name: str) -> str:
    """A file's format in a few words."""
    if name == POSTGRES:
        return "PostgreSQL's own format, its own time zone"
    return "common log format" if name.endswith(".access.log") else "what the service says of its work"
