"""Does what a plan says to the system that is up, and puts everything right again."""

import contextlib
import time
from collections import Counter

import psycopg

from workshop.chaos import databases
from workshop.chaos.plan import Action
from workshop.chaos.targets import LocalTargets, Targets
from workshop.stack import database
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings


class Faults:
    """The faults that were made, and those that last just now, each with what ends it."""

    def __init__(self, settings: Settings, targets: Targets | None = None) -> None:
        self.settings = settings
        self.targets: Targets = targets or LocalTargets(settings)
        self.done: Counter[str] = Counter()
        self._lasting: list[tuple[float, databases.Undo]] = []

    def make(self, action: Action) -> bool:
        """Make a fault; False when its target is not there just now."""
        if action.kind == "kill":
            made = self.targets.kill(action.target, action.part)
        elif action.kind == "term":
            made = self.targets.terminate(action.target)
        elif action.kind == "cut":
            made = databases.cut(self.settings, action.target)
        else:
            undo = self._begin(action)
            made = undo is not None
            if undo is not None:
                self._lasting.append((time.monotonic() + action.seconds, undo))
        self.done[action.kind] += made
        return made

    def _begin(self, action: Action) -> databases.Undo | None:
        """Begin a fault that lasts; what ends it, None when its target is not there."""
        if action.kind == "pause":
            return self.targets.pause(action.target)
        if action.kind == "disconnect":
            return self.targets.disconnect(action.target)
        begin = {"refuse": databases.refuse, "lock": databases.lock}[action.kind]
        return begin(self.settings, action.target)

    def resume(self, everything: bool = False) -> None:
        """End the faults whose time is over, or all; and start again what nobody else starts."""
        now = time.monotonic()
        due = [each for each in self._lasting if everything or each[0] <= now]
        self._lasting = [each for each in self._lasting if each not in due]
        for _, undo in due:
            try:
                undo()
            except (psycopg.Error, StackError):
                # The server, or the engine, is away just now: the end of this fault has to wait.
                self._lasting.append((now + 0.5, undo))
        self.targets.tend()

    def restore(self, seconds: float = 90) -> None:
        """End every fault, and wait until all is ready; StackError when something does not come back."""
        deadline = time.monotonic() + seconds
        while True:
            self.resume(everything=True)
            if not self._lasting and self.targets.all_ready():
                break
            if time.monotonic() > deadline:
                away = ", ".join(self.targets.away())
                raise StackError(f"not ready {seconds:g} s after the last fault: {away}; make status")
            time.sleep(0.3)
        # An earlier run that was killed may have left one so.
        with contextlib.suppress(psycopg.Error):
            database.take_connections(self.settings)
