"""`spans explain`, `fix` and `break`: the statement's plan, and the index it misses."""

import contextlib
from collections.abc import Iterator

from workshop.shop import history, ledger
from workshop.shop.checkout import parse_items
from workshop.stack import database, own
from workshop.stack.screen import say, waiting
from workshop.stack.settings import Settings


def explain(items: str) -> None:
    """Print the statement and PostgreSQL's plan for it, each telling line marked and said in words."""
    settings = own.system()
    skus = [item["sku"] for item in parse_items(items)] if items.strip() else ledger.products(settings, 3)
    say(f"What the inventory service asks, for {', '.join(skus)}:", style="bold")
    say("")
    for line in ledger.STATEMENT.read_text().strip().splitlines():
        say(f"  {line}")
    say("")
    say("PostgreSQL's plan (EXPLAIN ANALYZE, BUFFERS):", style="bold")
    say("")
    lines = ledger.plan(settings, skus)
    for line in lines:
        told = ledger.telling(line)
        style = None if told is None else "green" if told == ledger.STRAIGHT else "red"
        say(f"{'>' if told else ' '} {line}", style)
        if told:
            indent = " " * (len(line) - len(line.lstrip(" ->")))
            say(f"> {indent}^ {told}", style)
    say("")
    if any(ledger.telling(line) == ledger.WHOLE_TABLE for line in lines):
        say(f"An index on {ledger.TABLE} ({ledger.COLUMN}) is missing: make fix creates it.")
    else:
        say(f"The index {ledger.INDEX} is used: make break drops it again.")


def fix() -> None:
    """Create the index, then offer the comparison."""
    settings = own.system()
    with about_to(settings, f"CREATE INDEX CONCURRENTLY {ledger.INDEX} ON {ledger.TABLE} ({ledger.COLUMN})", "there"):
        changed, told = ledger.fix(settings)
    note("fix", changed)
    say(told)
    if changed and history.last(1):
        say("Next: make checkout N=5, then make diff shows what changed since the checkouts before.")


def break_again() -> None:
    """Drop the index."""
    settings = own.system()
    with about_to(settings, f"DROP INDEX CONCURRENTLY {ledger.INDEX}", "missing"):
        changed, told = ledger.break_again(settings)
    note("break", changed)
    say(told)


@contextlib.contextmanager
def about_to(settings: Settings, statement: str, done: str) -> Iterator[None]:
    """Show the statement that is run, unless the index is in the wanted state already."""
    with database.inventory(settings) as connection:
        state = ledger.index_state(connection)
    if state == done:
        yield
        return
    with waiting(statement):
        yield


def note(kind: str, changed: bool) -> None:
    """Remember when it happened, for comparing the checkouts before and after."""
    if changed:
        history.append({"kind": kind})
