"""Populations written down: a tree for each trace, at its time; and what is said of them."""

from collections.abc import Callable, Iterable, Sequence

from tests.unit.traces.trace_shapes import Node, span, trace
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.diagnosis.findings import Diagnosis, Finding
from workshop.traces.model.trace import Trace


def traces(trees: Iterable[Node], first: int = 1) -> list[Trace]:
    """A trace of each tree."""
    return [trace(tree, trace_id=f"{number:032x}") for number, tree in enumerate(trees, first)]


def many(number: int, tree: Callable[[int], Node], first: int = 1) -> list[Trace]:
    """So many traces, each of the tree for its number."""
    return traces((tree(each) for each in range(number)), first)


def db(service: str, system: str, text: str, start: float, ms: float, error: str = "", **attributes: str) -> Node:
    """A statement as Java's, Go's and .NET's instrumentations write it under the old conventions."""
    named = {"db.system": system, "db.name": service, "db.statement": text, **attributes}
    failed = {"status": "error", "status_message": error} if error else {}
    return span(service, text.split(maxsplit=1)[0], start, ms, kind="client", attributes=named, **failed)


def together(mine: Sequence[Trace], around: Sequence[Trace] = ()) -> Diagnosis:
    """The diagnosis of many."""
    return diagnose_many(mine, around=around)


def found(diagnosis: Diagnosis, rule: str) -> Finding | None:
    """What a rule found."""
    return next((each for each in diagnosis.findings if each.rule == rule), None)
