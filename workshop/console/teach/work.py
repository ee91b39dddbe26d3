"""Runs a command beside the console, one at a time, and keeps what it says.

Its note and its words are files, so a console that was started anew finds what still runs. A command is ended with
SIGINT, as by Ctrl-C in a terminal: each of them then leaves the system whole, or the next one does.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from workshop.stack.first_run.environment import cleaned
from workshop.stack.local.processes import MARKER
from workshop.stack.settings import ROOT

COMMAND = (sys.executable, "-P", "-u", "-m", "workshop.cli")
# Bytes of a command's words that are shown, the last ones.
MOST_WORDS = 200_000
# The console's own, which no terminal has: by default a command reads the Jaeger of its system, and where that is.
NOT_HANDED_ON = ("JAEGER_URL", "ALLOWED_HOSTS")


class Busy(Exception):
    """Something runs already; the message says what to do."""


@dataclass(frozen=True)
class Note:
    """What was started: the words after `spans`, when (Unix s); the process, and when that began by its own clock.

    `code` is its exit code, None while it runs and for one that ended while no console was there.
    """

    words: tuple[str, ...]
    began: float
    pid: int
    born: float
    ending: bool = False
    ended: float | None = None
    code: int | None = None

    @property
    def runs(self) -> bool:
        """Whether it still does: its process number may be another's by now."""
        return self.ended is None and process_of(self) is not None

    @property
    def seconds(self) -> float:
        """For how long it has run, or ran."""
        return max((self.ended or time.time()) - self.began, 0)


class Slot:
    """Where one command can run at a time; `name` is that of its files in the folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._note, self._output = folder, folder / f"{name}.json", folder / f"{name}.out"
        self._lock = threading.Lock()
        self._waiting: threading.Thread | None = None

    def now(self) -> Note | None:
        """What runs here, or ran last; None when nothing ever did."""
        note = read(self._note)
        if note and note.ended is None and not note.runs and self._waiting:
            # It has ended this moment, and how is about to be written down.
            self._waiting.join(1.0)
            note = read(self._note)
        return note

    def output(self) -> str:
        """What it has said so far."""
        try:
            with self._output.open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - MOST_WORDS, 0))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def start(self, *words: str) -> None:
        """Run `spans` with these words; Busy when something runs here."""
        with self._lock:
            now = read(self._note)
            if now and now.runs:
                raise Busy("one thing at a time: wait until what runs now has ended, or end it")
            # In a session of its own: who kills the console does not leave a change half way.
            with self._output.open("wb") as output:
                process = subprocess.Popen(
                    [*COMMAND, *words],
                    cwd=ROOT,
                    env=environment(self._folder),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            note = Note(words, time.time(), process.pid, psutil.Process(process.pid).create_time())
            write(self._note, note)
            self._waiting = threading.Thread(target=self._wait, args=[process], daemon=True)
            self._waiting.start()

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        code = process.wait()
        with self._lock:
            now = read(self._note)
            # It is another's when the console is not the only one, and none's when the system was stopped.
            if now and now.pid == process.pid:
                write(self._note, replace(now, ended=time.time(), code=code))

    def end(self) -> None:
        """Have what runs here end; nothing happens when nothing does, or is ending."""
        with self._lock:
            interrupt(self._note)


def environment(folder: Path) -> dict[str, str]:
    """What a command finds, as in a terminal of the checkout whose state folder `folder` lies in.

    By the marker `make down` finds it, whatever became of its note.
    """
    found = {name: value for name, value in cleaned(os.environ).items() if name not in NOT_HANDED_ON}
    return found | {"STATE_FOLDER": str(folder.parent), MARKER: str(folder.parent)}


def process_of(note: Note) -> psutil.Process | None:
    """The process of what was started; None when it has ended."""
    with suppress(psutil.Error):
        process = psutil.Process(note.pid)
        if abs(process.create_time() - note.born) < 2 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def read(path: Path) -> Note | None:
    """The note; None when there is none, or another version wrote it."""
    try:
        found = json.loads(path.read_text())
        return Note(**found | {"words": tuple(found["words"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(path: Path, note: Note) -> None:
    """Keep the note; whoever reads meanwhile gets the old one whole."""
    fresh = path.with_suffix(f".{os.getpid()}")
    # The folder is gone when everything was removed while a command ended.
    with suppress(FileNotFoundError):
        fresh.write_text(json.dumps(asdict(note)))
        fresh.replace(path)


def interrupt(path: Path) -> psutil.Process | None:
    """Have the command of this note end, once: a second SIGINT would cut short how it puts things in order."""
    note = read(path)
    process = process_of(note) if note and note.ended is None else None
    if note and process and not note.ending:
        write(path, replace(note, ending=True))
        with suppress(psutil.Error):
            process.send_signal(signal.SIGINT)
    return process


def interrupt_all(folder: Path) -> list[psutil.Process]:
    """The same for whatever runs; its processes."""
    return [process for path in sorted(folder.glob("*.json")) if (process := interrupt(path))]
