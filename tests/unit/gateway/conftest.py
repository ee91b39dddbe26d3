"""A real Valkey, and strangers on its port."""

import contextlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.cache import Cache
from workshop.stack.local import valkey
from workshop.stack.local.scratch import free_ports

ROOT = Path(__file__).resolve().parents[3]
# Together no more than what a checkout may wait for its receipt.
CONNECT_SECONDS = 0.05
ANSWER_SECONDS = 0.05


class Valkey:
    """The real server, with the settings that it has everywhere."""

    def __init__(self) -> None:
        program = valkey.program()
        if program is None:
            pytest.skip(valkey.MISSING)
        (self.port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [program, str(ROOT / "services/valkey/valkey.conf"), "--bind", "127.0.0.1"]
        self._command += ["--port", str(self.port)]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, cwd=ROOT)
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            assert time.monotonic() < deadline and self.process.poll() is None, "Valkey does not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """SIGSTOP: it has its connections and takes others, and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def cache(self) -> Cache:
        """A new cache on it."""
        return Cache(self.url, CONNECT_SECONDS, ANSWER_SECONDS)


@pytest.fixture
def server() -> Iterator[Valkey]:
    """A Valkey with nothing in it."""
    started = Valkey()
    yield started
    started.kill()


class Stranger:
    """Listens where the cache should, and does `what` with every connection in a thread of its own."""

    def __init__(self, what: Callable[[socket.socket], object]) -> None:
        self._what = what
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self.visits = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.visits += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        # A client that has had enough hangs up.
        with connection, contextlib.suppress(OSError):
            self._what(connection)

    def cache(self) -> Cache:
        """A new cache that asks it."""
        return Cache(self.url, CONNECT_SECONDS, ANSWER_SECONDS)

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()


@pytest.fixture
def stranger() -> Iterator[Callable[[Callable[[socket.socket], object]], Stranger]]:
    """`stranger(what)` makes one."""
    made: list[Stranger] = []

    def make(what: Callable[[socket.socket], object]) -> Stranger:
        made.append(Stranger(what))
        return made[-1]

    yield make
    for each in made:
        each.close()
