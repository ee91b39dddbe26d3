"""Which scenarios there are and which is on, and what is changed: what the commands say of it."""

import json
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.console.teach import work
from workshop.stack.settings import ROOT

PATIENCE = 60.0  # s; a busy machine takes ten
# What stands in the log of changes for one that somebody left half way.
HALF_WAY = ("begun", "undoing")


class Silent(Exception):
    """A command did not say what it was asked; the message has its words."""


@dataclass(frozen=True)
class Listing:
    """The scenarios in their order, as `spans scenarios --json` has them, and the changes in force or half way."""

    scenarios: tuple[dict[str, Any], ...]
    changes: tuple[dict[str, Any], ...]

    def number(self, name: str) -> int | None:
        """Which of them has this name, counted from 1: what the room may hear."""
        return next((number for number, each in enumerate(self.scenarios, 1) if each["name"] == name), None)


class Asking:
    """Asks the commands, and keeps their answers until the log of changes is another."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._log = folder.parent / "history" / "changes.jsonl"
        self._kept: tuple[object, Listing] | None = None

    def listing(self, *, fresh: bool = True) -> Listing:
        """What is so now, or without `fresh` what was told last; Silent when it cannot be told."""
        with self._lock:
            state = self._state()
            if self._kept is None or (fresh and self._kept[0] != state):
                scenarios, changes = asked(self._folder, "scenarios", "changes")
                open_ones = (each for each in changes if each["state"] in ("done", *HALF_WAY))
                self._kept = state, Listing(tuple(scenarios), tuple(open_ones))
            return self._kept[1]

    def _state(self) -> object:
        try:
            found = self._log.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


def asked(folder: Path, *commands: str) -> list[list[dict[str, Any]]]:
    """What each of these commands says with --json, asked at the same time."""
    started = [
        subprocess.Popen(
            [*work.COMMAND, command, "--json"],
            cwd=ROOT,
            env=work.environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    found = []
    try:
        for command, process in zip(commands, started, strict=True):
            said, complained = process.communicate(timeout=PATIENCE)
            if process.returncode:
                raise Silent(f"spans {command} ended with {process.returncode}: {complained.strip()[-500:]}")
            found.append(json.loads(said))
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise Silent(f"spans {' and '.join(commands)} did not answer: {error}") from None
    finally:
        for process in started:
            process.kill()
            process.communicate()
    return found
