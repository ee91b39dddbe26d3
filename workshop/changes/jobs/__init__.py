"""What can run beside the system: SQL of somebody else's, a limit on one process."""

from pathlib import Path

from workshop.changes.kinds import Job, Limit
from workshop.stack.errors import StackError

FOLDER = Path(__file__).parent
# Whose work can be limited.
LIMITED = ("gateway", "order", "order-worker", "inventory", "payment", "provider")


def sql(name: str, database: str = "inventory") -> Job:
    """A job of this folder's: `NAME.sql` in one transaction, again and again."""
    if not (FOLDER / f"{name}.sql").is_file():
        there = ", ".join(sorted(path.stem for path in FOLDER.glob("*.sql")))
        raise StackError(f"there is no job {name!r}: there is {there}")
    return Job(name=name, module="workshop.changes.jobs.sql", arguments=[name, "--database", database])


def check(limit: Limit) -> None:
    """StackError for a limit that no process could live with, or that is none."""
    if limit.service not in LIMITED:
        raise StackError(f"{limit.service!r} cannot be limited: {', '.join(LIMITED)} can")
    if limit.cpus is None and limit.memory_mb is None:
        raise StackError("a limit is on CPUs, memory, or both")
    if limit.cpus is not None and not 0.05 <= limit.cpus <= 4:
        raise StackError(f"{limit.cpus:g} CPUs: give 0.05 to 4")
    if limit.memory_mb is not None and not 40 <= limit.memory_mb <= 4000:
        raise StackError(f"{limit.memory_mb} MB: give 40 to 4000")
