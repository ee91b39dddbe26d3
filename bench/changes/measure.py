"""How long a change of each kind takes to be made, and to be undone, until all is ready again.

python -m bench.changes [--up]
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from workshop.changes import edges, jobs, making, patching
from workshop.changes.kinds import Change, Data, Limit, Setting
from workshop.stack import own
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.settings import Settings


def changes() -> list[Change]:
    """One of each kind."""
    return [
        patching.named("inventory", "n-plus-one"),
        Setting(service="payment", values={"PROVIDER_ATTEMPTS": "2"}),
        Data(
            name="a column more",
            up=["ALTER TABLE product ADD COLUMN more int"],
            down=["ALTER TABLE product DROP COLUMN IF EXISTS more"],
        ),
        edges.between("order", "payment", "proxy"),
        jobs.sql("report"),
        Limit(service="payment", cpus=0.5),
    ]


def measure(settings: Settings, rounds: int) -> None:
    """Make and undo each, and print the medians."""
    for change in changes():
        seconds: list[tuple[float, float]] = []
        for _ in range(rounds):
            began = time.monotonic()
            making.make(settings, change, "bench")
            made = time.monotonic()
            making.undo(settings, lambda entry: entry.by == "bench")
            seconds.append((made - began, time.monotonic() - made))
        there, back = (median(column) for column in zip(*seconds, strict=True))
        print(f"{change.kind:8} made in {there:4.1f} s, undone in {back:4.1f} s   {change.words}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--up", action="store_true", help="on the system that is up, in Docker or not")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.up:
        measure(own.system(), given.rounds)
        return
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        measure(stack.settings, given.rounds)
