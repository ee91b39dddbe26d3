"""What can be broken: the processes of the local runtime, and those of a second fleet beside it."""

import contextlib
import signal
from typing import Protocol

import psutil

from workshop.chaos.databases import Undo
from workshop.chaos.plan import LOCAL, Ground
from workshop.chaos.second import Second
from workshop.stack import database
from workshop.stack.local import processes, supervisor
from workshop.stack.local import system as local
from workshop.stack.services import here, not_ready
from workshop.stack.settings import Settings

# PostgreSQL takes SIGTERM as "when the last client has gone", which is never; this is what its supervisor sends.
TERM = {"postgres": signal.SIGINT}


class Targets(Protocol):
    """A runtime whose processes can be broken by name."""

    ground: Ground
    # Where customers are let in.
    gateways: list[str]

    def kill(self, name: str, part: str) -> bool:
        """End it at once; False when it is not there."""

    def terminate(self, name: str) -> bool:
        """Ask it to end, as for a restart; False when it is not there."""

    def pause(self, name: str) -> Undo | None:
        """Stop it in the middle of whatever it does; what lets it go on, None when it is not there."""

    def disconnect(self, name: str) -> Undo | None:
        """Take it from the network; what puts it back, None when it is not there."""

    def tend(self) -> None:
        """Start again what has ended and what nobody else starts again."""

    def all_ready(self) -> bool:
        """Whether everything runs and is ready."""

    def away(self) -> list[str]:
        """What is not ready, with the reasons."""

    def close(self) -> None:
        """End what was started for the run."""


class LocalTargets:
    """The local runtime: supervisor starts again what ends. `second` is another fleet on the same databases."""

    def __init__(self, settings: Settings, second: Second | None = None) -> None:
        self.settings = settings
        self.second = second
        self.ground, self.gateways = LOCAL, [settings.gateway_url]
        if second:
            self.ground = Ground((*LOCAL.processes, *second.names), (*LOCAL.gunicorn, "gateway-2", "order-2"))
            self.gateways.append(second.gateway_url)

    def _processes(self, name: str) -> list[psutil.Process]:
        """A program's first process, then its children; none when it does not run."""
        pid = self.second.pid(name) if self.second and name in self.second.names else self._pid(name)
        return processes.tree(pid) if pid else []

    def _pid(self, name: str) -> int:
        return int(supervisor.states(self.settings).get(name, {}).get("pid", 0))

    def kill(self, name: str, part: str) -> bool:
        """kill -9 of its first process, or of gunicorn's worker."""
        there = self._processes(name)
        if part == "worker" and len(there) > 1:
            there = there[1:]
        return self._signal(there[:1], signal.SIGKILL)

    def terminate(self, name: str) -> bool:
        """SIGTERM to its first process."""
        return self._signal(self._processes(name)[:1], TERM.get(name, signal.SIGTERM))

    def pause(self, name: str) -> Undo | None:
        """SIGSTOP to all of its processes."""
        there = self._processes(name)
        self._signal(there, signal.SIGSTOP)
        return (lambda: self._signal(there, signal.SIGCONT)) if there else None

    def disconnect(self, name: str) -> Undo | None:
        """Processes of one machine have one network."""
        return None

    def _signal(self, there: list[psutil.Process], number: int) -> bool:
        for process in there:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return bool(there)

    def tend(self) -> None:
        """The second fleet has no supervisor."""
        if self.second:
            self.second.tend()

    def all_ready(self) -> bool:
        """Whether all of it is ready; what supervisor has given up, because it died many times in a row, is started."""
        for name, info in supervisor.states(self.settings).items():
            if info["statename"] == "FATAL":
                supervisor.start_process(self.settings, name)
        return local.all_ready(self.settings) and not (self.second and self.second.away())

    def away(self) -> list[str]:
        """What is not ready."""
        running = local.running_pids(self.settings)
        reasons = {"postgres": database.not_ready(self.settings)}
        for service in here():
            if service.name not in running:
                reasons[service.name] = "does not run"
            elif service.probed:
                reasons[service.name] = not_ready(service, self.settings)
        return [f"{name} ({reason})" for name, reason in reasons.items() if reason] + (
            self.second.away() if self.second else []
        )

    def close(self) -> None:
        """End the second fleet."""
        if self.second:
            self.second.close()
