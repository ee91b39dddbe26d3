"""One span, as every format's loader makes it. Times are Unix nanoseconds."""

from dataclasses import dataclass, field
from typing import Any

from workshop.traces.model import failure

KINDS = ("internal", "server", "client", "producer", "consumer")


@dataclass(slots=True, frozen=True)
class Event:
    """Something that happened at one moment of a span, an exception for example."""

    name: str
    time: int
    attributes: dict[str, Any]


@dataclass(slots=True, frozen=True)
class Link:
    """A span elsewhere, often in another trace, that this one has to do with but is not a child of."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any]


@dataclass(slots=True)
class Span:
    """One piece of work. `start` and `end` are Unix nanoseconds, `end` is never before `start`.

    `follows` says that the parent did not wait for it (OpenTracing's FOLLOWS_FROM).
    `shift` is what a trace added to both times to undo clock skew, 0 for nearly all spans. `unfinished` says that
    no end was recorded; a trace then takes the last end below it.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: str
    start: int
    end: int
    attributes: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    scope: str = ""
    status: str = "unset"
    status_message: str = ""
    follows: bool = False
    shift: int = 0
    unfinished: bool = False

    @property
    def duration(self) -> int:
        """Nanoseconds from start to end."""
        return self.end - self.start

    @property
    def ms(self) -> float:
        """Milliseconds from start to end."""
        return (self.end - self.start) / 1e6

    @property
    def is_error(self) -> bool:
        """Whether the span says of itself that it failed: by its status, or, where that is unset, in other words."""
        if self.status == "unset":
            return failure.without_status(self.kind, self.attributes, self.events)
        return self.status == "error"

    @property
    def waited_for(self) -> bool:
        """Whether the parent had to wait for it: not so for a message's consumer and what only follows."""
        return self.kind != "consumer" and not self.follows

    def __repr__(self) -> str:
        return f"<Span {self.service} {self.name!r} {self.ms:.3f} ms {self.span_id}>"
