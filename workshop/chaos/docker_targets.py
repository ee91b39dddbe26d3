"""The containers of a Compose project, broken through the engine.

By its `docker` command line, as the rest of the workshop talks to it: it knows every way in which a person reaches an
engine (contexts, DOCKER_HOST, a socket of one's own) and needs no package.
"""

import json
import time
from typing import Any

from workshop.chaos.databases import Undo
from workshop.chaos.plan import Ground
from workshop.stack import machine
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings

PROCESSES = (
    *("gateway", "order", "inventory", "payment", "order-worker", "provider"),
    *("postgres", "valkey", "jaeger", "collector"),
)
NETWORKS = ("order", "inventory", "payment", "order-worker", "provider", "postgres", "valkey")
# Each of these is another container of the same service: Compose gives both the service's name in the network.
COPIES = {"order-2": "order", "order-worker-2": "order-worker"}
# How often it is looked for containers that have ended: the engine starts no container that a person has killed.
TEND_SECONDS = 1.0


class DockerTargets:
    """Each process is a container."""

    def __init__(self, settings: Settings, second: bool = False) -> None:
        self.settings = settings
        self.gateways = [settings.gateway_url]
        self.second = tuple(COPIES) if second else ()
        self.ground = Ground((*PROCESSES, *self.second), (), NETWORKS)
        self.network = f"{settings.project}_default"
        self._tend_at = 0.0
        for name in self.second:
            self._remove(name)
            run = ("run", "--detach", "--no-deps", "--use-aliases", "--name", self._container(name), COPIES[name])
            docker.asked(settings, *run)
        # By container, what its service is called in the network: Compose's names, which `connect` must give again.
        self._aliases = {name: COPIES.get(name, name) for name in self.ground.processes}

    def _container(self, name: str) -> str:
        """The container of a process; Compose numbers them."""
        return f"{self.settings.project}-{name}" + ("" if name in COPIES else "-1")

    def _asked(self, *arguments: str) -> bool:
        """Whether `docker …` did it; StackError when the engine does not answer."""
        done = machine.ask_docker(*arguments)
        if done is None:
            raise StackError(f"the Docker engine does not answer: docker {' '.join(arguments)}")
        return done.returncode == 0

    def kill(self, name: str, part: str) -> bool:
        """SIGKILL to the container's first process, and so to all of them."""
        return self._asked("kill", self._container(name))

    def terminate(self, name: str) -> bool:
        """The signal that the container wants when it is stopped; nobody waits for its end."""
        signal = "INT" if name == "postgres" else "TERM"
        return self._asked("kill", "--signal", signal, self._container(name))

    def pause(self, name: str) -> Undo | None:
        """Freeze the container."""
        if not self._asked("pause", self._container(name)):
            return None
        # One that was killed meanwhile is not frozen any more, and that is fine.
        return lambda: self._asked("unpause", self._container(name))

    def disconnect(self, name: str) -> Undo | None:
        """Take the container from the project's network: nothing it sends or expects arrives."""
        if not self._asked("network", "disconnect", self.network, self._container(name)):
            return None
        return lambda: self._connect(name)

    def _connect(self, name: str) -> None:
        container = self._container(name)
        if self._asked("network", "connect", "--alias", self._aliases[name], self.network, container):
            return
        if not self._networks(container):
            raise StackError(f"{container} could not be connected to the network again")

    def _networks(self, container: str) -> bool:
        done = machine.ask_docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container)
        return done is not None and not done.returncode and self.network in json.loads(done.stdout)

    def tend(self) -> None:
        """Start the containers that have ended: after a kill by hand the engine's restart policy does not."""
        if time.monotonic() < self._tend_at:
            return
        self._tend_at = time.monotonic() + TEND_SECONDS
        if ended := [one["Name"] for one in self._ended()]:
            self._asked("start", *ended)

    def _ended(self) -> list[dict[str, Any]]:
        ours = {self._container(name) for name in self.ground.processes}
        label = f"label=com.docker.compose.project={self.settings.project}"
        done = machine.ask_docker(
            "ps", "--all", "--filter", label, "--filter", "status=exited", "--format", '{"Name": {{json .Names}}}'
        )
        lines = done.stdout.splitlines() if done is not None and not done.returncode else []
        return [one for one in map(json.loads, lines) if one["Name"] in ours]

    def all_ready(self) -> bool:
        """Whether every container is well, as `make status` has it."""
        return not self.away()

    def away(self) -> list[str]:
        """Those that are not."""
        return [
            f"{one['Name']} ({one.get('Health') or one['State']})"
            for one in docker.containers(self.settings)
            if not docker.well(one)
        ]

    def close(self) -> None:
        """Remove the second containers."""
        for name in self.second:
            self._remove(name)

    def _remove(self, name: str) -> None:
        machine.ask_docker("rm", "--force", "--volumes", self._container(name))
