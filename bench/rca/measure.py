"""How often the service at fault is the first suspect, or one of three, from traces alone; and false alarms.

    python -m bench rca
    python -m bench.rca --data FOLDER

The data are injected faults of two public systems (IntelligentDDS/Nezha, MIT licence) as OTLP: `labels.json` names for
each file the service at fault, the kind of fault and the file of traces from before. They are too large for the
repository.
False alarms are counted on fault-free traces: those from before, by turns a third of them against the rest.
"""

import argparse
import json
import os
import random
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from workshop.traces.sources.files import read
from workshop.traces.suspects.compare import compare_observed
from workshop.traces.suspects.observed import Observed, observe

DATA = Path(os.environ.get("RCA_DATA", Path(__file__).parents[2] / ".." / "shared" / "data" / "rca"))
DEALS = 40


Case = dict[str, Any]


def observed_by(data: Path) -> Callable[[str], list[Observed]]:
    """Reads a file of the folder."""
    return lambda name: observe(read([str(data / name)]).traces)


def suspects(case: Case, observed: Callable[[str], list[Observed]]) -> list[str]:
    """The services suspected of a fault, the first first."""
    return [each.service for each in compare_observed(observed(case["before"]), observed(case["file"])).suspects]


def place(names: list[str], case: Case) -> int:
    """The place of the service at fault among the suspects, from 1; 0 where it is none."""
    return names.index(case["service"]) + 1 if case["service"] in names else 0


def main() -> None:
    """Print a table for each system."""
    parser = argparse.ArgumentParser(prog="python -m bench.rca")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with labels.json (RCA_DATA)")
    parser.add_argument("--each", action="store_true", help="one line for each fault, too")
    options = parser.parse_args()
    labels = options.data / "labels.json"
    if not labels.is_file():
        print(f"no labels.json in {options.data.resolve()}: name the folder with --data or RCA_DATA")
        return

    observed = cache(observed_by(options.data))
    cases = json.loads(labels.read_text())
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for case in cases:
        names = suspects(case, observed)
        at = place(names, case)
        system = case["file"].split("/")[0]
        for row in ((system, "all"), (system, case["fault"])):
            places[row].append(at)
        if options.each:
            told = ", ".join(names[:3]) or "nothing changed"
            print(f"{case['file']:32} {case['fault']:15} {case['service']:28} {at or '–'}  {told}")
    print(f"{'system':18} {'fault':16} {'cases':>5} {'top-1':>6} {'top-3':>6} {'missed':>7}")
    for (system, fault), found_at in sorted(places.items()):
        count = len(found_at)
        first, three = found_at.count(1) / count, sum(0 < each <= 3 for each in found_at) / count
        print(f"{system:18} {fault:16} {count:5} {first:6.2f} {three:6.2f} {found_at.count(0):7}")
    dealer = random.Random(1)
    print(f"\n{'fault-free traces':44} {'false alarms':>12}")
    for name in sorted({case["before"] for case in cases}):
        traces = sorted(observed(name), key=lambda each: each.trace_id)
        alarms = 0
        for _ in range(DEALS):
            dealer.shuffle(traces)
            third = len(traces) // 3
            alarms += compare_observed(traces[third:], traces[:third]).changed
        print(f"{name:44} {alarms:4} of {DEALS}")


if __name__ == "__main__":
    main()
