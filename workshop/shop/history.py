"""What this checkout's commands did to the shop: the checkouts and their traces, the fixes and the breaks."""

import json
import time
from typing import Any

from workshop.stack.settings import current

# Kept at least; the file is cut when it has twice as many.
KEPT = 500


def append(entry: dict[str, Any]) -> None:
    """Add an entry, and its `time` (Unix s).

    Its `kind` is checkout (with trace_id, status, ms, and whether it was sampled), hunt (with trace_id),
    fix or break (of the index, or with the name of a scenario).
    """
    path = current().history
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({"time": round(time.time(), 3), **entry}) + "\n")
    lines = path.read_text().splitlines()
    if len(lines) > 2 * KEPT:
        path.write_text("\n".join(lines[-KEPT:]) + "\n")


def entries() -> list[dict[str, Any]]:
    """All that is kept, oldest first."""
    try:
        lines = current().history.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:  # cut short by a full disk or a kill
            continue
    return found


def last(count: int) -> list[dict[str, Any]]:
    """The last checkouts that have a trace, oldest first."""
    checkouts = [entry for entry in entries() if _traced(entry)]
    return checkouts[-count:] if count > 0 else []


def not_sampled() -> set[str]:
    """The ids of the checkouts that the gateway did not sample."""
    return {entry["trace_id"] for entry in entries() if entry.get("trace_id") and not entry.get("sampled", True)}


def before_and_after() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The confirmed checkouts just before and just after the last fix or break, each back to the one before it."""
    runs: list[list[dict[str, Any]]] = [[]]
    for entry in entries():
        if entry.get("kind") in ("fix", "break"):
            runs.append([])
        elif _traced(entry) and entry.get("status") == 201:
            runs[-1].append(entry)
    return (runs[-2], runs[-1]) if len(runs) > 1 else ([], runs[-1])


def _traced(entry: dict[str, Any]) -> bool:
    return bool(entry.get("kind") == "checkout" and entry.get("trace_id") and entry.get("sampled", True))
