"""What PostgreSQL's plan of a statement says, read from EXPLAIN (FORMAT JSON), with ANALYZE or without."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MIN_ROWS = 1_000  # reading a smaller table from end to end is what a good plan does
OFF = 100  # times as many rows expected as found: an estimate that is off by so much is no estimate
MAX_FOUND = 0.2  # an index does not help to find more than about a fifth of a table


@dataclass(slots=True, frozen=True)
class MissingIndex:
    """A sequential scan that an index would replace. `estimated` rows are the planner's, not counted ones."""

    table: str
    columns: tuple[str, ...]
    scanned: int
    found: int
    estimated: bool
    node: str

    def __str__(self) -> str:
        about = "about " if self.estimated else ""
        # Without the statement's values the planner's guess at the rows found is no figure to show.
        found = "few of them" if self.estimated else f"{self.found:,}"
        return (
            f"sequential scan over {about}{self.scanned:,} rows of {self.table} to find {found}: "
            f"an index on ({', '.join(self.columns)}) is missing"
        )


def missing_index(document: Any) -> MissingIndex | None:
    """The sequential scan on which most of the plan's time or cost goes, if an index on its filter would avoid it."""
    for node, columns, (scanned, found, estimated) in _heavy_scans(document):
        if scanned >= MIN_ROWS and found <= scanned * MAX_FOUND:
            return MissingIndex(_table(node), columns, scanned, found, estimated, _line(node))
    return None


@dataclass(slots=True, frozen=True)
class Misjudged:
    """A sequential scan that the planner chose because it expects far too many rows, or may have.

    `found` rows are None where the plan was not run: then there is an index that it does not use.
    """

    table: str
    columns: tuple[str, ...]
    expected: int
    found: int | None
    node: str

    def __str__(self) -> str:
        columns = ", ".join(self.columns)
        if self.found is None:
            return (
                f"sequential scan over {self.table} though there is an index on ({columns}): the planner expects "
                f"{self.expected:,} rows"
            )
        return (
            f"sequential scan over {self.table}: by ({columns}) the planner expected {self.expected:,} rows and found "
            f"{self.found:,}"
        )

    @property
    def advice(self) -> str:
        """The next step."""
        return (
            f"the planner believes other numbers than there are: ANALYZE {self.table}, then look whether it takes an "
            f"index on ({', '.join(self.columns)}); and see whether somebody set its statistics or n_distinct"
        )


def misjudged(document: Any) -> Misjudged | None:
    """The sequential scan on which most of the plan's time or cost goes, if it was chosen by a wrong estimate."""
    for node, columns, (scanned, found, estimated) in _heavy_scans(document):
        if scanned < MIN_ROWS:
            continue
        expected = int(node.get("Plan Rows", 0))
        if not estimated:
            expected *= int(node.get("Actual Loops", 1))
            if expected >= OFF * max(found, 1):
                return Misjudged(_table(node), columns, expected, found, _line(node))
        elif expected > scanned * MAX_FOUND and any(index[:1] and index[0] in columns for index in _indexes(node)):
            return Misjudged(_table(node), columns, expected, None, _line(node))
    return None


def _heavy_scans(document: Any) -> Iterator[tuple[dict[str, Any], tuple[str, ...], tuple[int, int, bool]]]:
    """The sequential scans with half of the plan's time or cost, with their filter's columns and their rows."""
    root = _root(document)
    if root is None:
        return
    half = _weight(root) / 2
    for node in _nodes(root):
        if node.get("Node Type") == "Seq Scan" and node.get("Filter") and _weight(node) >= half:
            columns, rows = filter_columns(node["Filter"]), _rows(node)
            if columns and rows:
                yield node, columns, rows


def _table(node: dict[str, Any]) -> str:
    return str(node.get("Relation Name", "?"))


def _indexes(node: dict[str, Any]) -> list[list[str]]:
    """The columns of the table's indexes, as workshop.traces.sources.explain adds them."""
    return [list(index) for index in node.get("Relation Indexes") or []]


def outline(document: Any) -> str:
    """The plan's nodes on one line, outermost first."""
    root = _root(document)
    return " > ".join(_line(node) for node in list(_nodes(root))[:6]) if root else "(empty)"


def _root(document: Any) -> dict[str, Any] | None:
    if isinstance(document, list):
        document = document[0] if document else None
    if isinstance(document, dict):
        return document.get("Plan", document if "Node Type" in document else None)
    return None


def _nodes(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.get("Plans") or []))


def _weight(node: dict[str, Any]) -> float:
    """The node's time in ms where the plan was run, else its cost."""
    if "Actual Total Time" in node:
        # Workers run side by side: their loops do not add up to time on the clock.
        loops = 1 if node.get("Parallel Aware") else node.get("Actual Loops", 1)
        return float(node["Actual Total Time"]) * loops
    return float(node.get("Total Cost", 0.0))


def _rows(node: dict[str, Any]) -> tuple[int, int, bool] | None:
    """Rows read, rows kept, and whether these are estimates."""
    if "Actual Rows" in node:
        loops = node.get("Actual Loops", 1)
        kept = round(node["Actual Rows"] * loops)
        return kept + round(node.get("Rows Removed by Filter", 0) * loops), kept, False
    if "Relation Rows" in node:  # added by workshop.traces.sources.explain
        return (
            int(node["Relation Rows"]),
            min(int(node.get("Plan Rows", 0)), int(node["Relation Rows"])),
            True,
        )
    return None


def _line(node: dict[str, Any]) -> str:
    text = str(node.get("Node Type", "?"))
    if node.get("Index Name"):
        text += f" using {node['Index Name']}"
    if node.get("Relation Name"):
        text += f" on {node['Relation Name']}"
    if node.get("Filter"):
        text += f", Filter: {str(node['Filter'])[:120]}"
    if "Rows Removed by Filter" in node:
        text += f", Rows Removed by Filter: {node['Rows Removed by Filter']:,}"
    return text


_CONDITION = re.compile(
    r'^\(*(?P<column>[A-Za-z_]\w*(?:\(\(?[A-Za-z_][\w."]*\)?(?:::\w[\w ]*)?\))?|"[^"]+"|[A-Za-z_]\w*\.[A-Za-z_]\w*)\)*'
    r"(?:::[\w ]+)?\)*\s+(?P<operator>=|<=|>=|<|>)\s+(?P<value>.+)$"
)


def filter_columns(condition: str) -> tuple[str, ...]:
    """The columns that an index for the filter would need: those compared with =, then one compared with a range.

    Empty when no such index would do, for example for an OR or a pattern match.
    """
    parts = _split_and(condition)
    equal: list[str] = []
    ranges: list[str] = []
    for part in parts:
        match = _CONDITION.match(part)
        if not match or "SubPlan" in part:
            continue
        column = match["column"].split(".")[-1].strip('"') if "(" not in match["column"] else match["column"]
        (equal if match["operator"] == "=" else ranges).append(column)
    return tuple(dict.fromkeys(equal + [column for column in ranges if column not in equal][:1]))


def _split_and(condition: str) -> list[str]:
    """The parts that ANDs join at the top level; none when an OR stands there."""
    text = condition.strip()
    while text.startswith("(") and _closes_at(text) == len(text) - 1:
        text = text[1:-1].strip()
    parts, depth, start, index, quoted = [], 0, 0, 0, False
    while index < len(text):
        char = text[index]
        if char == "'":
            quoted = not quoted
        elif not quoted and char == "(":
            depth += 1
        elif not quoted and char == ")":
            depth -= 1
        elif not quoted and depth == 0 and text.startswith(" OR ", index):
            return []
        elif not quoted and depth == 0 and text.startswith(" AND ", index):
            parts.append(text[start:index])
            start = index + 5
        index += 1
    parts.append(text[start:])
    if len(parts) == 1:
        return [parts[0].strip()]
    return [inner for part in parts for inner in _split_and(part)]


def _closes_at(text: str) -> int:
    """Where the parenthesis that the text begins with is closed."""
    depth, quoted = 0, False
    for index, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif not quoted and char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return index
    return -1
