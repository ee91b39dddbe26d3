"""Finds and ends the processes of this checkout, whoever started them and whatever became of their parents."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

# Every process of a local runtime has it in its environment: the state folder, so each checkout has its own.
MARKER = "SLOW_CHECKOUT_STATE"


def leftovers(state: Path) -> list[psutil.Process]:
    """The living processes of the local runtime in this state folder, this process and its parents aside."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        if process.pid not in mine and marker_of(process) == str(state):
            found[process.pid] = process
    # PostgreSQL's own children write their titles over their environment.
    for process in list(found.values()):
        for child in descendants(process):
            if child.pid not in mine:
                found.setdefault(child.pid, child)
    for process in orphans_of_postgres(state):
        found.setdefault(process.pid, process)
    return list(found.values())


def marker_of(process: psutil.Process) -> str | None:
    """The state folder that a process belongs to; None when it belongs to none, or may not be looked at."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get(MARKER)
    except (psutil.Error, OSError):
        return None


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """A process's children and theirs; none when it is gone."""
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def tree(pid: int) -> list[psutil.Process]:
    """A process and its descendants; none when it is gone."""
    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return []
    return [process, *descendants(process)]


def resume(state: Path) -> None:
    """Let go on whatever of this local runtime was paused: a chaos that was killed leaves processes so."""
    for process in leftovers(state):
        try:
            if process.status() == psutil.STATUS_STOPPED:
                process.resume()
        except psutil.Error:
            continue


def orphans_of_postgres(state: Path) -> list[psutil.Process]:
    """PostgreSQL processes at work in the data folder that `note_data_folder` knows."""
    data = data_folder(state)
    found = []
    for process in psutil.process_iter(["name"]) if data else ():
        try:
            if str(process.info["name"]).startswith("postgres") and process.cwd() == str(data):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def data_folder(state: Path) -> Path | None:
    """Where PostgreSQL worked the last time, as `note_data_folder` wrote it down."""
    try:
        return Path((state / "postgres-data-folder").read_text().strip())
    except OSError:
        return None


def unlock_postgres(state: Path) -> None:
    """Remove the lock file of a PostgreSQL that was killed and that nobody has reaped yet.

    PostgreSQL takes such a zombie for a living server, and would not start.
    """
    lock = (data_folder(state) or state) / "postmaster.pid"
    try:
        process = psutil.Process(int(lock.read_text().splitlines()[0]))
        if process.status() == psutil.STATUS_ZOMBIE:
            lock.unlink()
    except (OSError, ValueError, IndexError, psutil.Error):  # no lock, no process, or not ours: PostgreSQL knows
        return


def note_data_folder(state: Path) -> None:
    """Write down where PostgreSQL works, for the day when its first process is killed before its children."""
    for process in leftovers(state):
        try:
            if process.name().startswith("postgres"):
                (state / "postgres-data-folder").write_text(process.cwd() + "\n")
                return
        except (psutil.Error, OSError):
            continue


def end(processes: Iterable[psutil.Process], patience: float = 5.0) -> list[psutil.Process]:
    """Ask the processes to end, insist after `patience` seconds; gives back those that live on.

    The first PostgreSQL process gets SIGINT, which means "now, and in order"; its children follow it.
    """
    processes = list(processes)
    numbers = {process.pid for process in processes}
    for process in processes:
        try:
            if process.name().startswith("postgres"):
                if process.ppid() not in numbers or not psutil.Process(process.ppid()).name().startswith("postgres"):
                    process.send_signal(signal.SIGINT)
            else:
                process.terminate()
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        try:
            process.kill()
        except psutil.Error:
            continue
    return psutil.wait_procs(alive, timeout=3)[1]


def end_all(state: Path) -> int:
    """End everything of this local runtime; gives the number of processes that were found."""
    count = 0
    # Twice: a process may have started another while it was being ended.
    for _ in range(3):
        found = leftovers(state)
        if not found:
            break
        count += len(found)
        end(found)
        time.sleep(0.05)
    return count


def describe(process: psutil.Process) -> str:
    """`nginx (pid 812)`."""
    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
        return f"pid {process.pid}"
