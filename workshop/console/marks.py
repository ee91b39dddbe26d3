"""What was done to the system while the traces came: marks on the axis of time, as `make fix` and `break` note it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEXTS = {"fix": "index created", "break": "index dropped"}


@dataclass(slots=True, frozen=True)
class Mark:
    """A change: when it was done, in Unix seconds, and what it was."""

    time: float
    text: str


def marks(history: str, first: float, last: float) -> list[Mark]:
    """The changes between two times (Unix seconds), from the file that the commands write; none without a file."""
    try:
        lines = Path(history).read_text().splitlines() if history else []
    except (OSError, UnicodeDecodeError):
        return []
    found = [mark for mark in map(_mark, lines) if mark and first <= mark.time <= last]
    return sorted(found, key=lambda mark: mark.time)


def _mark(line: str) -> Mark | None:
    """The mark of a line; None for one that is no change, or was cut short."""
    try:
        entry: dict[str, Any] = json.loads(line)
        return Mark(float(entry["time"]), TEXTS[entry["kind"]])
    except (ValueError, TypeError, KeyError):
        return None
