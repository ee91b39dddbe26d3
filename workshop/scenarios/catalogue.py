"""Which scenarios there are."""

import difflib
import importlib
from functools import cache
from pathlib import Path

from workshop.scenarios.model import Scenario
from workshop.stack.errors import StackError

FOLDER = Path(__file__).parent


@cache
def every() -> dict[str, Scenario]:
    """The scenarios by name: those for the stage first, each group by name."""
    paths = FOLDER.glob("*/scenario.py")
    found: list[Scenario] = [
        importlib.import_module(f"workshop.scenarios.{path.parent.name}.scenario").SCENARIO for path in paths
    ]
    return {each.name: each for each in sorted(found, key=lambda each: (not each.stage, each.name))}


def named(name: str) -> Scenario:
    """The scenario of that name; StackError with the nearest one when there is none."""
    found = every().get(name.strip().lower().replace("_", "-"))
    if found is None:
        near = difflib.get_close_matches(name, every(), 1)
        meant = f", did you mean {near[0]}?" if near else ":"
        raise StackError(f"there is no scenario {name[:50]!r}{meant} spans scenarios lists them")
    return found


def folder(scenario: Scenario) -> Path:
    """The scenario's folder."""
    return FOLDER / scenario.name.replace("-", "_")
