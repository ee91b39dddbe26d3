"""What was done to the system while the traces came: marks on the axis of time, as the commands note it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The index has its marks from the commands that everyone knows; its name is the shop's (workshop/shop/ledger.py), which
# this cannot ask: in its container there is no checkout.
INDEX = "stock_movement_sku_idx"
# Beside the history: what was changed of the system itself.
CHANGES = "changes.jsonl"
TEXTS = {"fix": "index created", "break": "index dropped"}


@dataclass(slots=True, frozen=True)
class Mark:
    """A change: when it was done, in Unix seconds, and what it was; `answer`: a riddle is solved by its words."""

    time: float
    text: str
    answer: bool = False


def marks(history: str, first: float, last: float) -> list[Mark]:
    """The changes between two times (Unix seconds), from the files that the commands write; none without them."""
    if not history:
        return []
    found = [mark for mark in map(_mark, _lines(Path(history))) if mark]
    found += _changes(_lines(Path(history).with_name(CHANGES)))
    return sorted((mark for mark in found if first <= mark.time <= last), key=lambda mark: mark.time)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _mark(line: str) -> Mark | None:
    """The mark of a line; None for one that is no change of the index, or was cut short."""
    try:
        entry: dict[str, Any] = json.loads(line)
        # A scenario's changes stand in the log of changes.
        return None if "scenario" in entry else Mark(float(entry["time"]), TEXTS[entry["kind"]])
    except (ValueError, TypeError, KeyError):
        return None


def _changes(lines: list[str]) -> Iterator[Mark]:
    """The marks of the log of changes: each when it was made, and when it was undone."""
    words: dict[Any, str] = {}
    made = set()
    for line in lines:
        try:
            said: dict[str, Any] = json.loads(line)
            number, state, moment = said["number"], said["state"], float(said["time"])
            if state == "begun" and said["change"].get("name") != INDEX:
                words[number] = str(said["words"])
            elif number in words and state == "done":
                made.add(number)
                yield Mark(moment, words[number], answer=True)
            elif number in made and state == "undone":
                yield Mark(moment, f"undone: {words[number]}", answer=True)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
