"""The memory of the whole stack at rest, three seconds after it is ready: shared pages are counted once (PSS).

python -m bench.memory
"""

import argparse
import tempfile
import time
from pathlib import Path

import psutil

from workshop.stack.local import processes, supervisor
from workshop.stack.local.scratch import ScratchStack


def megabytes(process: psutil.Process) -> float:
    """A process's proportional share of memory; its unshared part where the system does not tell that."""
    info = process.memory_full_info()
    return float(getattr(info, "pss", info.uss)) / 1e6


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        time.sleep(3)
        states = supervisor.states(stack.settings)
        rows = {name: sum(map(megabytes, processes.tree(int(info["pid"])))) for name, info in states.items()}
        everything = sum(map(megabytes, processes.leftovers(stack.settings.state)))
    for name, size in sorted(rows.items(), key=lambda row: -row[1]):
        print(f"{name:14}{size:8.1f} MB")
    print(f"{'supervisord':14}{everything - sum(rows.values()):8.1f} MB")
    print(f"{'together':14}{everything:8.1f} MB")


if __name__ == "__main__":
    main()
