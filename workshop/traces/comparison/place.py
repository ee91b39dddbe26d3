"""A place in the tree of calls, by which the legs of different traces are told to be the same.

Legs are aligned by their path through the tree: service and work (statement, route, name), from the root down.
"""

from dataclasses import dataclass
from typing import Any, Literal

from workshop.traces import wording
from workshop.traces.model import naming
from workshop.traces.model.trace import Span

Change = Literal["same", "appeared", "vanished"]


def key(span: Span) -> tuple[str, ...]:
    """What makes two spans of two traces the same leg: their work, wherever the callee's address was that day."""
    work = naming.same_work(span)
    return (work[0], work[1], work[2], work[4]) if work[0] == "http" else work


@dataclass(slots=True)
class Place:
    """What stands at a place: its service, its name for people, the same where there is little room, and its depth."""

    service: str
    name: str
    short: str
    depth: int

    def place_as_json(self, change: Change) -> dict[str, Any]:
        """The place as data, and whether both sides have it."""
        return {"service": self.service, "name": self.name, "depth": self.depth, "status": change}


def names(span: Span) -> tuple[str, str, str]:
    """A place's service, name and short name, safe to print."""
    return wording.clean(span.service), wording.clean(naming.label(span)), wording.clean(naming.short_label(span))
