"""Waits for locks, in databases and languages that are not the workshop's; and what is none."""

import pytest

from tests.unit.traces.diagnosis.population.crowds import db, found, many, together, traces
from tests.unit.traces.trace_shapes import Node, server

HELD = "SELECT balance FROM account WHERE id = ? FOR UPDATE"
READ = "SELECT owner FROM account WHERE id = ?"
OTHER = "SELECT name FROM branch WHERE id = ?"


def transfer(start: float, wait: float, text: str = HELD, system: str = "mysql", other: float = 2) -> Node:
    """A Spring service's transfer, with JDBC's spans."""
    return server(
        "bank", "POST /transfers", start, wait + other + 4,
        db("bank", system, OTHER, start + 1, other), db("bank", system, text, start + other + 2, wait),
    )  # fmt: skip


def let_go(at: float, number: int, text: str = HELD, other: float = 2) -> list[Node]:
    """Transfers that began 90 ms apart, and are let go one straight after the other."""
    starts = [at - 200 - 90 * each for each in range(number)]
    return [transfer(start, at - start - other - 2 + 5 * each, text, other=other) for each, start in enumerate(starts)]


def quick(number: int, text: str = HELD) -> list[Node]:
    """Transfers that nobody kept waiting."""
    return [transfer(5000 + 300 * each, 2, text) for each in range(number)]


def test_rows_that_somebody_holds() -> None:
    """MySQL, JDBC: a locking statement waits in several traces and all go on together, while it is quick otherwise."""
    told = together(traces([*let_go(1000, 5), *quick(6)]))
    assert told.problems[0].rule == "lock"
    assert "waiting for rows: 5 statements on account waited" in told.verdict and "(in 5 of 11 traces)" in told.verdict
    assert found(told, "slow-statement") is None


def test_a_whole_table_that_somebody_wants() -> None:
    """Plain reads wait, too, and go on with the others: that is no lock of rows."""
    told = together(traces([*let_go(1000, 4), *let_go(1010, 3, READ), *quick(6), *quick(6, READ)]))
    assert "waiting for the whole table" in told.verdict and "3 of them are plain reads" in told.verdict


def test_one_statement_that_only_reads_may_be_a_process_that_stood_still() -> None:
    """All reads of one kind ended together: no lock is claimed."""
    told = together(traces([*let_go(1000, 5, READ), *quick(6, READ)]))
    assert found(told, "lock") is None


def test_a_slow_database_is_no_lock() -> None:
    """Statements on another table took as long meanwhile."""
    told = together(traces([*let_go(1000, 5, other=160), *quick(6)]))
    assert found(told, "lock") is None


def test_rows_that_are_held_all_the_time() -> None:
    """The locking read is never quick; the plain reads of its table are, all along."""
    held = [*let_go(1000, 5), *let_go(3000, 5), *let_go(5000, 5)]
    told = together(traces([*held, *quick(6, READ)]))
    assert "waiting for rows: 15 statements on account waited" in told.verdict
    assert found(together(traces([*held, *quick(3, READ)])), "lock") is None, "three reads say too little"


def test_a_slow_change_is_no_wait() -> None:
    """An UPDATE that looks for its rows in a whole table takes long each time, too, however quick the reads are."""
    change = "UPDATE account SET balance = ? WHERE email = ?"
    slow = [each for at in (1000, 3000, 5000) for each in let_go(at, 5, change)]
    told = together(traces([*slow, *quick(6, READ)]))
    assert told.problems[0].rule == "slow-statement" and found(told, "lock") is None


def test_a_slow_statement_is_no_wait() -> None:
    """The same statement takes as long at any time, whatever else ends at the same moment."""
    told = together(traces([*let_go(1000, 5), *let_go(3000, 5), *let_go(5000, 5)]))
    assert told.problems[0].rule == "slow-statement" and found(told, "lock") is None


@pytest.mark.parametrize(
    ("system", "error", "attributes"),
    [
        ("mysql", "Deadlock found when trying to get lock; try restarting transaction", {}),
        ("mssql", "Transaction (Process ID 61) was deadlocked on lock resources", {}),
        ("mssql", "error", {"db.response.status_code": "1205"}),
        ("oracle", "ORA-00060: deadlock detected while waiting for resource", {}),
        ("postgresql", "ERROR: x", {"db.response.status_code": "40P01"}),
    ],
)
def test_a_deadlock(system: str, error: str, attributes: dict[str, str]) -> None:
    """Named by its code or its words, with those that waited and went on."""

    def one(number: int) -> Node:
        start, last = 1500.0 * (number // 2), number % 2
        failed = error if last else ""
        statement = db("bank", system, HELD, start + 1, 1010, failed, **(attributes if last else {}))
        return server("bank", "POST /transfers", start, 1020, statement, status=500 if last else 200)

    told = together(many(6, one))
    assert told.problems[0].rule == "deadlock" and "3 times by the database" in told.verdict
    assert "3 others waited and went on" in told.verdict
    assert "same order" in told.problems[0].advice


def test_a_mysql_lock_wait_timeout_is_no_deadlock() -> None:
    """MySQL's 1205 is a wait that took too long, SQL Server's is a deadlock."""
    failed = "Lock wait timeout exceeded; try restarting transaction"

    def one(each: int) -> Node:
        statement = db("bank", "mysql", HELD, 60e3 * each + 1, 50e3, failed, **{"db.response.status_code": "1205"})
        return server("bank", "POST /transfers", 60e3 * each, 50_010, statement, status=500)

    told = together(many(4, one))
    assert found(told, "deadlock") is None
    assert "look for it" in told.problems[0].advice and "held the lock" in told.problems[0].advice


def test_a_deadlock_that_was_tried_again() -> None:
    """In one trace that ended well: the wait and the second run of the statement are the deadlock's."""
    failed = "Deadlock found when trying to get lock"
    statements = db("bank", "mysql", HELD, 1, 1005, failed), db("bank", "mysql", HELD, 1010, 380)
    told = together(traces([server("bank", "POST /transfers", 0, 1400, *statements)]))
    assert told.traces == 1 and told.problems[0].rule in ("deadlock", "retries")
    assert found(told, "deadlock") and found(told, "slow-statement") is None
