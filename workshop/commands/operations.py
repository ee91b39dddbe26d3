"""Traces by what they begin with: what is diagnosed together."""

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workshop.traces.model.trace import Trace


def by_root(traces: "list[Trace]") -> "list[list[Trace]]":
    """The traces by what they begin with, the most first."""
    from workshop.traces.model import naming

    groups: dict[tuple[str, str], list[Trace]] = defaultdict(list)
    for each in traces:
        # A library that writes the raw path into the name makes no operation of each path.
        groups[each.root.service, naming.name_template(naming.label(each.root))].append(each)
    return sorted(groups.values(), key=len, reverse=True)
