"""The memory of the whole stack at rest, three seconds after it is ready: shared pages are counted once (PSS).

With --load also after so many seconds of eight clients who check out as fast as they are answered; --fixed: the index
is there, and ten times as many do.

python -m bench.memory [--load 600] [--fixed]
"""

import argparse
import tempfile
import time
from pathlib import Path

import psutil

from bench import load
from workshop.stack.local import processes, supervisor
from workshop.stack.local.scratch import ScratchStack

CLIENTS = 8


def megabytes(process: psutil.Process) -> float:
    """A process's proportional share of memory; its unshared part where the system does not tell that."""
    info = process.memory_full_info()
    return float(getattr(info, "pss", info.uss)) / 1e6


def show(stack: ScratchStack, when: str) -> None:
    """Print each program's megabytes, children included, and what all of them have together."""
    states = supervisor.states(stack.settings)
    rows = {name: sum(map(megabytes, processes.tree(int(info["pid"])))) for name, info in states.items()}
    everything = sum(map(megabytes, processes.leftovers(stack.settings.state)))
    print(when)
    for name, size in sorted(rows.items(), key=lambda row: -row[1]):
        print(f"  {name:14}{size:8.1f} MB")
    print(f"  {'supervisord':14}{everything - sum(rows.values()):8.1f} MB")
    print(f"  {'together':14}{everything:8.1f} MB", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", type=float, default=0, metavar="SECONDS", help="measure again after so much of load")
    parser.add_argument("--fixed", action="store_true", help="with the index")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        time.sleep(3)
        show(stack, "at rest")
        if chosen.fixed:
            stack.must("fix")
        if chosen.load:
            result = load.run(stack.settings.gateway_port, CLIENTS, chosen.load)
            show(stack, f"after {chosen.load:.0f} s of {CLIENTS} clients: {result.rate:.0f} checkouts a second")


if __name__ == "__main__":
    main()
