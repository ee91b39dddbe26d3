"""Finding what an earlier run left behind, and ending it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from workshop.stack.local import processes

Start = Callable[..., "subprocess.Popen[bytes]"]
SLEEP = "import time; time.sleep(60)"
# Says when it no longer listens to SIGTERM.
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python processes that are gone after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str, **environment: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, **environment}, stdout=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_only_this_checkouts_processes_are_found(start: Start, tmp_path: Path) -> None:
    """The marker in the environment tells a checkout's processes from a neighbour's."""
    mine = start(SLEEP, SLOW_CHECKOUT_STATE=str(tmp_path / "one"))
    start(SLEEP, SLOW_CHECKOUT_STATE=str(tmp_path / "two"))
    start(SLEEP)
    assert [process.pid for process in processes.leftovers(tmp_path / "one")] == [mine.pid]


def test_children_that_lost_the_marker_are_found_through_their_parent(start: Start, tmp_path: Path) -> None:
    """PostgreSQL's processes write over their environment."""
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'input()'], env={}, "
        "stdin=subprocess.PIPE); print(p.pid, flush=True); p.wait()"
    )
    parent = start(code, SLOW_CHECKOUT_STATE=str(tmp_path))
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert {process.pid for process in processes.leftovers(tmp_path)} == {parent.pid, child}
    processes.end_all(tmp_path)
    assert processes.leftovers(tmp_path) == []


def test_what_does_not_end_is_killed(start: Start, tmp_path: Path) -> None:
    """A process that ignores SIGTERM goes all the same."""
    stubborn = start(STUBBORN, SLOW_CHECKOUT_STATE=str(tmp_path))
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    assert processes.end(processes.leftovers(tmp_path), patience=0.2) == []
    assert processes.leftovers(tmp_path) == []


def test_nothing_to_end_is_no_error(tmp_path: Path) -> None:
    """`make down` when nothing is up."""
    assert processes.end_all(tmp_path) == 0


def test_a_zombie_does_not_lock_postgres_out(start: Start, tmp_path: Path) -> None:
    """A killed server whose parent has not asked after it; a living one keeps its lock."""
    (tmp_path / "postgres-data-folder").write_text(f"{tmp_path}\n")
    lock = tmp_path / "postmaster.pid"
    server = start(SLEEP)
    lock.write_text(f"{server.pid}\n{tmp_path}\n")
    processes.unlock_postgres(tmp_path)
    assert lock.exists()
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while psutil.Process(server.pid).status() != psutil.STATUS_ZOMBIE:  # dead, and not asked after
        assert time.monotonic() < deadline, "waited for the killed process to become a zombie"
    processes.unlock_postgres(tmp_path)
    assert not lock.exists()


def test_what_was_paused_goes_on(start: Start, tmp_path: Path) -> None:
    """A chaos that was killed leaves services so; a neighbour's stay as they are."""
    mine = start(SLEEP, SLOW_CHECKOUT_STATE=str(tmp_path / "one"))
    neighbour = start(SLEEP, SLOW_CHECKOUT_STATE=str(tmp_path / "two"))
    for process in (mine, neighbour):
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)  # comes back once it has stopped
    processes.resume(tmp_path / "one")
    assert psutil.Process(mine.pid).status() != psutil.STATUS_STOPPED
    assert psutil.Process(neighbour.pid).status() == psutil.STATUS_STOPPED
