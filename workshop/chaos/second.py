"""A second gateway, order service and worker beside the local runtime's, on the same databases."""

import configparser
import http.client
import shlex
import subprocess
from collections.abc import Callable

import psutil

from workshop.stack.errors import StackError
from workshop.stack.local import processes, supervisor
from workshop.stack.local.scratch import free_ports
from workshop.stack.settings import ROOT, Settings

# Of which program of supervisord.conf each is another one.
COPIES = {"gateway-2": "gateway", "order-2": "order", "order-worker-2": "order-worker"}


class Second:
    """Starts them from the first ones' command lines and environments, and again whenever they have ended."""

    names = tuple(COPIES)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        gateway, order = free_ports(2)
        self.gateway_url = f"http://127.0.0.1:{gateway}"
        own = {
            "gateway-2": {"BIND": f"127.0.0.1:{gateway}", "ORDER_URL": f"http://127.0.0.1:{order}"},
            "order-2": {"BIND": f"127.0.0.1:{order}"},
            "order-worker-2": {"LIVENESS_FILE": str(settings.state / "order-worker-2.alive")},
        }
        self.ports = {"gateway-2": gateway, "order-2": order}
        self._start = {name: self._starter(name, program, own[name]) for name, program in COPIES.items()}
        self._running = {name: start() for name, start in self._start.items()}

    def _starter(self, name: str, program: str, own: dict[str, str]) -> "Callable[[], subprocess.Popen[bytes]]":
        """What starts a copy of a program, with what is its own in the environment."""
        conf = configparser.RawConfigParser()
        conf.read(ROOT / "supervisord.conf")
        command = ["env", *shlex.split(conf[f"program:{program}"]["command"])]  # found on the PATH that it is given
        pid = supervisor.states(self.settings).get(program, {}).get("pid")
        if not pid:
            raise StackError(f"{program} does not run, so there can be no second one: make status")
        environment = psutil.Process(pid).environ() | own

        def start() -> "subprocess.Popen[bytes]":
            with (self.settings.logs / f"{name}.log").open("a") as log:
                return subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

        return start

    def pid(self, name: str) -> int:
        """The pid of one of them; 0 when it has ended."""
        process = self._running[name]
        return process.pid if process.poll() is None else 0

    def tend(self) -> None:
        """Start again what has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                self._running[name] = self._start[name]()

    def away(self) -> list[str]:
        """What is not ready, with the reasons."""
        return [f"{name} ({reason})" for name in self.names if (reason := self._reason(name))]

    def _reason(self, name: str) -> str | None:
        if not self.pid(name):
            return "does not run"
        if name not in self.ports:
            return None
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=3)
        try:
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
            return None if status == 200 else f"/readyz answers {status}"
        except (OSError, http.client.HTTPException) as error:
            return f"does not answer ({type(error).__name__})"
        finally:
            connection.close()

    def close(self) -> None:
        """End them."""
        pids = filter(None, map(self.pid, self.names))
        processes.end([each for pid in pids for each in processes.tree(pid)], patience=25)
        for process in self._running.values():
            process.wait()
