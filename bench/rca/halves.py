"""Whether a constant that suits one half of the injected faults suits the other half, too.

    python -m bench.rca.halves --data FOLDER

The cases are halved by turns within each kind of fault and system, so that every kind is in both. Each constant is
varied alone; the value that is best on one half is judged on the other, both ways.
"""

import argparse
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from bench.rca.measure import DATA, Case, observed_by, place, suspects
from workshop.traces.suspects import compare, growth, ranking
from workshop.traces.suspects.observed import Observed

# Each constant with the module that has it, and the values that were tried, the one in use in the middle.
TRIED = {
    "CHANCE": (compare, (0.05, 0.1, 0.15)),
    "FLOOR": (compare, (0.3, 0.6, 1.2)),
    "ALONE": (ranking, (5, 9, 19)),
    "WAYS": (ranking, (0.25, 0.5, 1.0)),
    "OWN": (ranking, (0.25, 0.5, 1.0)),
    "SMALLEST": (growth, (0.7, 0.9, 1.4)),
}


def halves(cases: list[Case]) -> tuple[list[Case], list[Case]]:
    """The cases by turns, sorted by system, fault and service."""
    ordered = sorted(cases, key=lambda case: (case["file"].split("/")[0], case["fault"], case["service"], case["file"]))
    return ordered[::2], ordered[1::2]


def rates(cases: list[Case], observed: Callable[[str], list[Observed]]) -> tuple[float, float]:
    """The part of the cases with the service at fault first, and among three."""
    places = [place(suspects(case, observed), case) for case in cases]
    return places.count(1) / len(places), sum(0 < at <= 3 for at in places) / len(places)


def main() -> None:
    """Print for each constant what each half chooses, and what the other half then gets."""
    parser = argparse.ArgumentParser(prog="python -m bench.rca.halves")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with labels.json (RCA_DATA)")
    options = parser.parse_args()
    sides = halves(json.loads((options.data / "labels.json").read_text()))
    observed = cache(observed_by(options.data))
    in_use = [rates(side, observed) for side in sides]
    print(f"{'in use':10} {'':24} " + "   ".join(f"{first:.2f} / {three:.2f}" for first, three in in_use))
    for name, (module, values) in TRIED.items():
        before = getattr(module, name)
        found = {before: in_use}
        for value in values:
            setattr(module, name, value)
            found.setdefault(value, [rates(side, observed) for side in sides])
        setattr(module, name, before)
        for chooser, judge in ((0, 1), (1, 0)):
            # Of values that are as good the one in use: a tie is no reason to change it.
            best = max(found, key=lambda value: (found[value][chooser], value == before))
            first, three = found[best][judge]
            print(f"{name:10} half {'AB'[chooser]} chooses {best:<8} half {'AB'[judge]}: {first:.2f} / {three:.2f}")


if __name__ == "__main__":
    main()
