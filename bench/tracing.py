"""What tracing costs: checkout throughput with the launcher against the same processes without it.

    python -m bench.tracing [--rounds 4] [--seconds 5]

Two fleets of the four services and the worker run at once on one PostgreSQL, one ledger with its index and one
provider; each has a database of orders, so that its own worker delivers its messages. Load goes to one, then to
the other, in turn, so that a change in the machine's speed hits both. A round's ratio is with / without.

Two more ways tell where the cost lies: spans that are made and never exported, and requests that are not sampled,
where the instrumentations work for nothing. The CPU is all that the machine spent on a checkout: clients, PostgreSQL
and the trace backend are in it.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg

from bench import load
from services.postgres import migrations, prepare
from workshop.stack.local import supervisor
from workshop.stack.local.scratch import ScratchStack, free_ports
from workshop.stack.services import BY_NAME, not_ready
from workshop.stack.settings import ROOT

TRACED = ("inventory", "payment", "order", "order-worker", "gateway")
# What is told to the launcher besides the settings of supervisord.conf; None: no launcher.
WITHOUT = None
WAYS: dict[str, dict[str, str]] = {
    "with tracing": {},
    "spans not exported": {"OTEL_TRACES_EXPORTER": "none"},
    "not sampled": {"OTEL_TRACES_SAMPLER": "always_off"},
}


class Slice(NamedTuple):
    """Some seconds of load on one fleet: confirmed checkouts a second, CPU in ms for each, and how many failed."""

    rate: float
    cpu: float
    failed: int


@contextlib.contextmanager
def fleet(stack: ScratchStack, name: str, tracing: dict[str, str] | None) -> Iterator[int]:
    """Services and worker beside the stack's, on its ledger and its provider; yields the gateway's port."""
    services = [BY_NAME[each] for each in TRACED]
    ports = [service.port for service in services if service.port]
    settings = stack.settings.model_copy(update=dict(zip(ports, free_ports(len(ports)), strict=True)))
    orders = settings.database_url("orders", f"orders_{name}")
    with psycopg.connect(settings.database_url("postgres", "postgres"), autocommit=True) as admin:
        prepare.make_database(admin, orders, {})
    migrations.apply(orders, ROOT / "order" / "migrations")
    urls = {
        f"{port.removesuffix('_port').upper()}_URL": f"http://127.0.0.1:{getattr(settings, port)}" for port in ports
    }
    base = supervisor.environment(settings) | urls | {"PROVIDER_URL": f"http://127.0.0.1:{settings.provider_port}"}
    base |= {"OTEL_SDK_DISABLED": "true"} if tracing is None else launcher_settings(stack) | tracing
    launcher = [] if tracing is None else ["opentelemetry-instrument"]
    started = []
    try:
        for service in services:
            database = base["INVENTORY_DATABASE_URL"] if service.name == "inventory" else orders
            environment = {**base, "DATABASE_URL": database, "OTEL_SERVICE_NAME": service.name}
            program = [*launcher, "python", "-m", "order.worker"]
            if port := service.port_in(settings):
                environment["BIND"] = f"127.0.0.1:{port}"
                program = ["gunicorn", "-c", "python:common.gunicorn", f"{service.name}.app:create_app()"]
            command = ["env", *program]  # finds the program on the PATH that it is given
            started.append(subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL))
        for service in services:
            deadline = time.monotonic() + 30
            while reason := not_ready(service, settings):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"waited 30 s for {service.name} ({name}): {reason}")
                time.sleep(0.1)
        yield settings.gateway_port
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def launcher_settings(stack: ScratchStack) -> dict[str, str]:
    """The OTEL_ variables that supervisord.conf gives the traced processes, as the stack's own have them."""
    pid = int(supervisor.states(stack.settings)["order"]["pid"])
    return {name: value for name, value in psutil.Process(pid).environ().items() if name.startswith("OTEL_")}


def measure(port: int, clients: int, seconds: float) -> Slice:
    """Load on one fleet, and then a moment for its last spans."""
    before = psutil.cpu_times()
    result = load.run(port, clients, seconds)
    time.sleep(0.5)
    after = psutil.cpu_times()
    busy = sum(getattr(after, kind) - getattr(before, kind) for kind in ("user", "system"))
    return Slice(result.rate, busy * 1000 / len(result.times), result.failed)


def compare(plain_port: int, port: int, clients: int, options: argparse.Namespace) -> tuple[list[Slice], list[Slice]]:
    """Rounds of load on the fleet without tracing and on another, in turn."""
    pairs = [
        tuple(measure(each, clients, options.seconds) for each in (plain_port, port)) for _ in range(options.rounds)
    ]
    return [plain for plain, _ in pairs], [other for _, other in pairs]


def show(clients: int, way: str, plain: list[Slice], other: list[Slice]) -> None:
    """One line of the table, and one more when checkouts failed."""
    ratios = [with_it.rate / without.rate for without, with_it in zip(plain, other, strict=True)]
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    rates = [statistics.median(each.rate for each in slices) for slices in (plain, other)]
    cpu = [statistics.median(each.cpu for each in slices) for slices in (plain, other)]
    print(
        f"{clients:7}  {way:20}{rates[0]:8.1f}/s{rates[1]:8.1f}/s{spread:>20}{cpu[0]:9.1f} ms{cpu[1]:9.1f} ms",
        flush=True,
    )
    if failed := sum(each.failed for each in (*plain, *other)):
        print(f"         {failed} checkouts failed")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5, help="of load on each, a round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        stack.must("fix")
        print(f"{os.cpu_count()} cores, shared with the clients")
        print(f"clients  {'':20}{'without':>10}{'so':>10}{'ratio (min-max)':>20}{'CPU without':>12}{'so':>12}")
        for way, tracing in WAYS.items():
            with fleet(stack, "without", WITHOUT) as plain_port, fleet(stack, "with", tracing) as port:
                for each in (plain_port, port):
                    load.run(each, 8, 3)
                for clients in (1, 8, 32):
                    show(clients, way, *compare(plain_port, port, clients, options))


if __name__ == "__main__":
    main()
