"""Does what a plan says to the processes of the local runtime, and puts everything right again."""

import contextlib
import signal
import time
from collections import Counter

import psutil
import psycopg

from workshop.chaos.plan import GUNICORN, Action
from workshop.stack import database
from workshop.stack.errors import StackError
from workshop.stack.local import processes, supervisor
from workshop.stack.local import system as local
from workshop.stack.services import SERVICES, not_ready
from workshop.stack.settings import Settings

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = %(database)s AND usename = %(database)s AND pid <> pg_backend_pid()
"""


class Faults:
    """The faults that were made, and the processes that are paused just now."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.done: Counter[str] = Counter()
        self._paused: list[tuple[float, list[psutil.Process]]] = []

    def make(self, action: Action) -> bool:
        """Kill, pause or cut; False when its target is not there just now."""
        if action.kind == "cut":
            made = self._cut(action.target)
        else:
            there = self._processes(action.target)
            if action.kind == "pause":
                self._pause(there, action.seconds)
            else:
                there = [self._chosen(there, action)] if there else []
                for process in there:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
            made = bool(there)
        self.done[action.kind] += made
        return made

    def _processes(self, name: str) -> list[psutil.Process]:
        """A program's first process, then its children; none when supervisor has none."""
        pid = supervisor.states(self.settings).get(name, {}).get("pid", 0)
        return processes.tree(pid) if pid else []

    def _chosen(self, there: list[psutil.Process], action: Action) -> psutil.Process:
        """The one to be killed."""
        if action.target in GUNICORN and action.part == "worker" and len(there) > 1:
            return there[1]
        return there[0]

    def _pause(self, there: list[psutil.Process], seconds: float) -> None:
        for process in there:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        if there:
            self._paused.append((time.monotonic() + seconds, there))

    def _cut(self, name: str) -> bool:
        """End every connection of a service to its database, as a firewall or a failover does."""
        try:
            url = self.settings.database_url("postgres", "postgres")
            with psycopg.connect(url, connect_timeout=1, autocommit=True) as connection:
                return connection.execute(CUT, {"database": name}).rowcount > 0
        except psycopg.Error:
            return False

    def resume(self, everything: bool = False) -> None:
        """Let those go on whose pause is over; or all."""
        now = time.monotonic()
        due = [pause for pause in self._paused if everything or pause[0] <= now]
        self._paused = [pause for pause in self._paused if pause not in due]
        for _, there in due:
            for process in there:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def restore(self, seconds: float = 90) -> None:
        """Let everything go on, and wait until all is ready; StackError when something does not come back."""
        self.resume(everything=True)
        deadline = time.monotonic() + seconds
        while not local.all_ready(self.settings):
            if time.monotonic() > deadline:
                raise StackError(f"not ready {seconds:g} s after the last fault: {', '.join(self.away())}; make status")
            self.start_what_was_given_up()
            time.sleep(0.3)

    def start_what_was_given_up(self) -> None:
        """supervisor gives a process up that died many times in a row."""
        for name, info in supervisor.states(self.settings).items():
            if info["statename"] == "FATAL":
                supervisor.start_process(self.settings, name)

    def away(self) -> list[str]:
        """What is not ready, with the reasons."""
        running = local.running_pids(self.settings)
        reasons = {"postgres": database.not_ready(self.settings)}
        for service in SERVICES:
            if service.name not in running:
                reasons[service.name] = "does not run"
            elif service.probed:
                reasons[service.name] = not_ready(service, self.settings)
        return [f"{name} ({reason})" for name, reason in reasons.items() if reason]
