"""What a broken telemetry pipeline does to checkouts: the backend there, away, never answering, answering garbage.

    python -m bench.telemetry [--checkouts 60]

One client, index there. p50 in ms, and as a ratio to the p50 with the backend there, measured just before each; the
memory of the four services is taken together (PSS).
"""

import argparse
import contextlib
import http.client
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import load
from bench.memory import megabytes
from workshop.stack.local import processes, supervisor
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.services import BY_NAME, not_ready

SERVICES = ("gateway", "order", "inventory", "payment")
Answer = Callable[[socket.socket], None]


def p50(stack: ScratchStack, count: int) -> float:
    """The median of `count` checkouts in a row, in ms; each must be confirmed."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.settings.gateway_port, timeout=30)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        status, answer = load.checkout(connection)
        times.append((time.perf_counter() - began) * 1000)
        assert status == 201, answer
    connection.close()
    return statistics.median(times)


def memory(stack: ScratchStack) -> float:
    """MB of the four services together."""
    states = supervisor.states(stack.settings)
    return sum(megabytes(process) for name in SERVICES for process in processes.tree(int(states[name]["pid"])))


def say_nothing(connection: socket.socket) -> None:
    """Take what comes and never answer."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def say_garbage(connection: socket.socket) -> None:
    """Answer each batch of bytes with something that is no HTTP."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            connection.sendall(b"\x00\xff no HTTP at all\r\n\r\n")


@contextlib.contextmanager
def instead(port: int, answer: Answer) -> Iterator[None]:
    """Listen where the backend was, and treat each connection as `answer` does."""
    with socket.create_server(("127.0.0.1", port)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def backend_away(stack: ScratchStack) -> Iterator[None]:
    """Stopped on entry, started and ready again on exit."""
    supervisor.stop_processes(stack.settings, ["jaeger"], patience=20)
    try:
        yield
    finally:
        supervisor.start_process(stack.settings, "jaeger")
        deadline = time.monotonic() + 30
        while not_ready(BY_NAME["jaeger"], stack.settings) is not None and time.monotonic() < deadline:
            time.sleep(0.1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkouts", type=int, default=60, help="how many for each figure")
    count = parser.parse_args().checkouts
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        stack.must("fix")
        p50(stack, 10)
        port = stack.settings.otlp_http_port
        cases: dict[str, contextlib.AbstractContextManager[None]] = {
            "away": contextlib.nullcontext(),
            "never answers": instead(port, say_nothing),
            "answers garbage": instead(port, say_garbage),
        }
        print(f"{'backend':18}{'p50':>10}{'there':>10}{'ratio':>8}{'memory':>12}")
        for name, broken in cases.items():
            there = p50(stack, count)
            with backend_away(stack), broken:
                found = p50(stack, count)
                used = memory(stack)
            print(f"{name:18}{found:7.1f} ms{there:7.1f} ms{found / there:8.2f}{used:9.0f} MB", flush=True)
        print(f"{'there again':18}{p50(stack, count):7.1f} ms{memory(stack):37.0f} MB")


if __name__ == "__main__":
    main()
