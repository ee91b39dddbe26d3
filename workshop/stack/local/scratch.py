"""A second stack beside the one a person uses: on free ports, with data of its own that goes when it stops.

For tests and measurements.
"""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workshop.stack import database
from workshop.stack.local import supervisor
from workshop.stack.local import system as local
from workshop.stack.settings import ROOT, Settings


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


class ScratchStack:
    """A local stack's settings and environment, with free ports and its state in `state`."""

    def __init__(self, state: Path, **overrides: object) -> None:
        ports = [name for name in Settings.model_fields if name.endswith("_port")]
        chosen: dict[str, Any] = dict(zip(ports, free_ports(len(ports)), strict=True))
        # What is up with Docker, as .env names it, is another system.
        name = f"slow-checkout-scratch-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}"
        chosen |= {"runtime": "local", "state_folder": str(state), "compose_project_name": name, **overrides}
        self.settings = Settings(_env_file=None, **chosen)  # type: ignore[call-arg]
        variables = {name.upper(): str(value) for name, value in chosen.items()}
        self.environment = {**os.environ, **variables, "NO_COLOR": "1", "COLUMNS": "120"}

    def spans(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `spans` command against this stack; what it printed and its exit code."""
        command = [sys.executable, "-m", "workshop.cli", *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
        )

    def must(self, *arguments: str) -> str:
        """What the command printed; RuntimeError with all of it when it failed."""
        done = self.spans(*arguments)
        if done.returncode:
            raise RuntimeError(f"spans {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    @contextlib.contextmanager
    def running(self) -> Iterator["ScratchStack"]:
        """Up on entry; stopped and removed on exit."""
        try:
            self.must("up")
            yield self
        finally:
            self.must("down")
            local.remove(self.settings)

    @contextlib.contextmanager
    def only_postgres(self) -> Iterator["ScratchStack"]:
        """Its PostgreSQL alone, without a row or a service; stopped on exit, the data kept for `running`."""
        self.settings.logs.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-P", "-m", "services.postgres.server"]
        environment = supervisor.environment(self.settings)
        with (self.settings.logs / "postgres.log").open("ab") as log:
            server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 30
            while reason := database.not_ready(self.settings):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start, see {self.settings.logs}: {reason}")
                time.sleep(0.05)
            yield self
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
