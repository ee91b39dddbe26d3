"""The log of changes: one line before a change is made, one when it is, and the same when it is undone.

Lines are only ever added, each is on the disk before anything is done, and what is in force follows from them alone. It
lies in the folder that the console may read.
"""

import contextlib
import fcntl
import getpass
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workshop.changes.kinds import Change, from_note
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings

State = Literal["begun", "done", "undoing", "undone"]
# Neither whole nor undone: whoever made it was killed on the way.
OPEN = ("begun", "undoing")


@dataclass(frozen=True)
class Entry:
    """One change: `made` and `ended` are Unix s, `ended` when it was undone, and `why`."""

    number: int
    change: Change
    runtime: str
    by: str
    made: float
    state: State = "begun"
    ended: float | None = None
    why: str = ""

    def note(self) -> dict[str, Any]:
        """The entry as data."""
        return {
            "number": self.number,
            **self.change.note(),
            "words": self.change.words,
            "runtime": self.runtime,
            "by": self.by,
            "made": self.made,
            "state": self.state,
            "undone": self.ended,
            "why": self.why,
        }


def path(settings: Settings) -> Path:
    """The log's file."""
    return settings.history.with_name("changes.jsonl")


def entries(settings: Settings) -> list[Entry]:
    """All changes, oldest first, each as its last line left it; a line that was cut short counts for nothing."""
    try:
        lines = path(settings).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found: dict[int, Entry] = {}
    for line in lines:
        try:
            said = json.loads(line)
            number, state, moment = int(said["number"]), said["state"], float(said["time"])
        except (ValueError, TypeError, KeyError):
            continue
        if state == "begun":
            change = from_note(said["change"])
            found[number] = Entry(number, change, said["runtime"], said["by"], moment)
        elif number in found:
            before = found[number]
            ended = moment if state == "undone" else None
            found[number] = Entry(
                number, before.change, before.runtime, before.by, before.made, state, ended, said.get("why", "")
            )
    return [found[number] for number in sorted(found)]


def in_force(settings: Settings, runtime: str) -> list[Entry]:
    """The changes that are made and not undone in this runtime, oldest first. Those under way are not among them."""
    return [each for each in entries(settings) if each.runtime == runtime and each.state == "done"]


def left_open(settings: Settings, runtime: str) -> list[Entry]:
    """The changes that somebody began to make, or to undo, and did not bring to an end."""
    return [each for each in entries(settings) if each.runtime == runtime and each.state in OPEN]


def begin(settings: Settings, change: Change, runtime: str, by: str) -> Entry:
    """Write down that a change is about to be made."""
    number = max((each.number for each in entries(settings)), default=0) + 1
    entry = Entry(number, change, runtime, by, round(time.time(), 3))
    # The words are for who knows no kinds: the console's marks.
    _append(settings, number, "begun", change=change.note(), words=change.words, runtime=runtime, by=by)
    return entry


def say(settings: Settings, entry: Entry, state: State, why: str = "") -> None:
    """Write down what has become of a change."""
    _append(settings, entry.number, state, **({"why": why} if why else {}))


def _append(settings: Settings, number: int, state: State, **more: Any) -> None:
    file = path(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    # The console's user may be another one, in its container, whatever the umask is.
    file.parent.chmod(0o755)
    line = json.dumps({"number": number, "time": round(time.time(), 3), "state": state, **more}) + "\n"
    with file.open("a+b") as log:
        os.fchmod(log.fileno(), 0o644)
        # A line that was cut short must not take this one with it.
        if log.seek(0, os.SEEK_END):
            log.seek(-1, os.SEEK_END)
            line = line if log.read(1) == b"\n" else "\n" + line
        log.write(line.encode())
        log.flush()
        os.fsync(log.fileno())


def whoever() -> str:
    """Who runs this command: the user's name, or number where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


@contextlib.contextmanager
def alone(settings: Settings, by: str, *, patient: bool = False) -> Iterator[None]:
    """One who changes something at a time; StackError that names the other, or `patient`: it ends with its process."""
    folder = settings.state / "changes"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if patient else fcntl.LOCK_NB))
        except OSError:
            lock.seek(0)
            other = lock.read().strip() or "somebody else"
            raise StackError(f"{other} is changing the system just now, and nothing was done: try again") from None
        lock.truncate(0)
        lock.write(f"{by} (pid {os.getpid()})")
        lock.flush()
        yield
