"""What the machine allows this user's processes: too little is told before anything is started.

Python's own library only: `make doctor` asks before anything is installed.
"""

import os
import resource
from collections.abc import Iterator

from workshop.stack import control_group

MEGABYTE = 1_000_000
# supervisord.conf asks for as many (minfds); a service holds two for each of its clients.
FILES = 256
# The processes at rest have some 380 threads, 64 for the clients of each service; PostgreSQL has one more for each
# connection, and beside them are load and a browser.
THREADS = 600
THREADS_AT_REST = 400
# At rest the processes take some 500 MB, and under load 600; beside them are a first start, and a browser.
MEMORY = 1000 * MEGABYTE
MEMORY_AT_REST = 450 * MEGABYTE
# Of addresses, which threads take by the gigabyte and do not use.
ADDRESSES = 4000 * MEGABYTE
# PostgreSQL's files are a gigabyte at most.
FILE_SIZE = 1100 * MEGABYTE
UNLIMITED = (resource.RLIM_INFINITY, -1)


def impossible() -> str | None:
    """Why the system could not run within this shell's limits, or this container's; None when it can."""
    # supervisord raises its own, as far as it may.
    if (most := _limit(resource.RLIMIT_NOFILE, hard=True)) is not None and most < FILES:
        return (
            f"a process may open {most} files here, {FILES} are needed: raise the limit (ulimit -n 1024) and make up "
            "again"
        )
    for which, letter, needed, what in (
        (resource.RLIMIT_AS, "v", ADDRESSES, "MB of addresses"),
        (resource.RLIMIT_FSIZE, "f", FILE_SIZE, "MB in a file"),
    ):
        if (most := _limit(which)) is not None and most < needed:
            return (
                f"a process may have {most // MEGABYTE} {what} here, {needed // MEGABYTE} are needed: raise the limit "
                f"(ulimit -{letter} unlimited, in a new shell) and make up again"
            )
    memory = control_group.room("memory")
    if memory and memory.limit < MEMORY_AT_REST:
        return f"{_told(memory)}: too few to start. Give the container, or the control group, {MEMORY // MEGABYTE} MB"
    for most, whose, raised in _threads():
        if most < THREADS_AT_REST:
            return (
                f"{whose} {most} threads, and the services take {THREADS_AT_REST} to start: {raised} and make up again"
            )
    return None


def scarce() -> list[str]:
    """Warnings of limits that are reached under load."""
    found = []
    memory = control_group.room("memory")
    if memory and memory.free < MEMORY:
        found.append(
            f"{_told(memory)}, {memory.free // MEGABYTE} MB of it free: the kernel kills when they are used up, and "
            f"that is under load. {MEMORY // MEGABYTE} MB are enough"
        )
    for most, whose, raised in _threads():
        if THREADS_AT_REST <= most < THREADS:
            found.append(
                f"{whose} {most} threads, and the services take up to {THREADS} under load: checkouts may fail then; "
                f"{raised}, then make down and make up"
            )
    return found


def _told(memory: control_group.Room) -> str:
    return f"this container, or control group, may use {memory.limit // MEGABYTE} MB of memory"


def _limit(which: int, *, hard: bool = False) -> int | None:
    """A limit of a process, or the hard one, which only root can raise; None when there is none."""
    most = resource.getrlimit(which)[hard]
    return None if most in UNLIMITED else most


def _threads() -> Iterator[tuple[int, str, str]]:
    """Limits of processes with their threads: how many, whose, and how to have more."""
    # Root is not bound by its own.
    if os.geteuid() and (most := _limit(resource.RLIMIT_NPROC)) is not None:
        yield most, "this user may have", f"raise the limit (ulimit -u {2 * THREADS})"
    if room := control_group.room("pids"):
        yield room.free, "this container, or control group, may have", f"give it {2 * THREADS} (--pids-limit)"
