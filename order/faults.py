"""What went wrong with one message or one order, and whether it is the fault of that one."""

import psycopg

from common.errors import Problem

# Answers of other services that say nothing about the order: they do not know us, or ask us to come later.
NOT_ITS_OWN = (401, 403, 408, 425, 429)
LONGEST = 300


def is_its_own(error: Exception) -> bool:
    """Whether it would fail by itself, again and again.

    Not when another service or the database is away, late, locked, or of another version: that ends some day, for all
    of them at once, and nobody should have to bring them back by hand. A service's 500 is an error that nobody thought
    of, about this one.
    """
    if isinstance(error, Problem):
        status = error.theirs or error.status
        return status <= 500 and status not in NOT_ITS_OWN
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.DataError | psycopg.IntegrityError)
    return True


def reason(error: Exception) -> str:
    """The error in one line that a person, and PostgreSQL, can read."""
    text = " ".join(str(error).replace("\0", "").split())
    return f"{type(error).__name__}: {text}".encode("utf-8", "replace").decode()[:LONGEST]
