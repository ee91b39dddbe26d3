"""What tracing costs: checkout throughput with the launcher against the same services without it.

    python -m bench.tracing [--rounds 5] [--seconds 6]

Both sets of services run at once on one PostgreSQL and one provider, index there; load goes to one, then to the
other, in turn, so that a change in the machine's speed hits both. Each round's ratio is with tracing / without.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench import load
from workshop.stack import supervisor
from workshop.stack.scratch import ScratchStack, free_ports

SERVICES = ("gateway", "order", "inventory", "payment")


@contextlib.contextmanager
def untraced(stack: ScratchStack) -> Iterator[int]:
    """The services once more, without the launcher, on the stack's database and provider; yields the gateway's port."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    urls = {f"{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()}
    base = {**supervisor.environment(stack.settings), **urls}
    base |= {"PROVIDER_URL": f"http://127.0.0.1:{stack.settings.provider_port}"}
    started = []
    try:
        for name, port in ports.items():
            database = base["ORDERS_DATABASE_URL" if name == "order" else "INVENTORY_DATABASE_URL"]
            environment = {**base, "BIND": f"127.0.0.1:{port}", "DATABASE_URL": database, "OTEL_SERVICE_NAME": name}
            command = [sys.executable, "-m", "gunicorn", "-c", "python:common.gunicorn", f"{name}.app:create_app()"]
            started.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        for port in ports.values():
            wait_until_ready(port)
        yield ports["gateway"]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def wait_until_ready(port: int) -> None:
    """Return when the service's dependencies answer; TimeoutError after 30 s."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2)
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing is ready on port {port}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="of load on each, a round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        stack.must("fix")
        with untraced(stack) as plain_port:
            for port in (stack.settings.gateway_port, plain_port):
                load.run(port, 8, 3)
            print(f"{os.cpu_count()} cores, shared with the clients")
            print(f"{'clients':>7}{'without':>14}{'with':>14}{'ratio (min-max)':>22}")
            for clients in (1, 8, 32):
                pairs = [
                    (
                        load.run(plain_port, clients, options.seconds),
                        load.run(stack.settings.gateway_port, clients, options.seconds),
                    )
                    for _ in range(options.rounds)
                ]
                ratios = [traced.rate / plain.rate for plain, traced in pairs]
                plain_rate = statistics.median(plain.rate for plain, _ in pairs)
                traced_rate = statistics.median(traced.rate for _, traced in pairs)
                spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
                print(f"{clients:7}{plain_rate:12.1f}/s{traced_rate:12.1f}/s{spread:>22}", flush=True)
                failed = sum(plain.failed + traced.failed for plain, traced in pairs)
                if failed:
                    print(f"        {failed} checkouts failed")


if __name__ == "__main__":
    main()
