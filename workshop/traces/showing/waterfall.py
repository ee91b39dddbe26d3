"""A trace in the terminal: the tree, a bar to scale for each span, and the leg on which the time went.

█ the span itself kept the trace waiting here (critical path)
━ the span waited for its children here
░ nobody waited for this part of it
"""

from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from workshop.traces import wording
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Trace
from workshop.traces.showing.rows import Row, Table
from workshop.traces.showing.rows import table as table_of
from workshop.traces.time.self_time import self_time

_COLOURS = (
    "cyan",
    "green",
    "magenta",
    "blue",
    "bright_cyan",
    "bright_green",
    "bright_magenta",
    "bright_blue",
)
NARROW = 58  # columns; below them there are no bars
_FANCY = {
    "own": "█",
    "wait": "━",
    "off": "░",
    "leg": "▶",
    "error": "✗",
    "tee": "├ ",
    "end": "└ ",
    "bar": "│ ",
}
_PLAIN = {
    "own": "#",
    "wait": "-",
    "off": ".",
    "leg": ">",
    "error": "!",
    "tee": "|-",
    "end": "`-",
    "bar": "| ",
}


class Waterfall:
    """What Rich prints for a trace; `collapse` and `limit` as in `rows.table`."""

    def __init__(
        self,
        trace: Trace,
        *,
        collapse: bool = True,
        limit: int | None = 200,
        notes: dict[str, str] | None = None,
    ) -> None:
        self.table = table_of(trace, collapse=collapse, limit=limit)
        self.notes = notes or {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the trace as wide as the console."""
        for line in lines(self.table, options.max_width, fancy=not options.ascii_only, notes=self.notes):
            yield wording.plain(line) if options.ascii_only else line


def lines(table: Table, width: int, *, fancy: bool = True, notes: dict[str, str] | None = None) -> Iterator[Text]:
    """The heading, a line for each row, and the longest leg; `notes` are put behind a span's name, by span id."""
    marks = _FANCY if fancy else _PLAIN
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(table.trace.services)}
    names = [_name(row, row.label, marks, (notes or {}).get(row.span.span_id, "")) for row in table.rows]
    service_width = min(max(cell_len(wording.clean(row.span.service)) for row in table.rows), max(9, width // 8))
    service_width = max(service_width, len("service"))
    rest = width - service_width - 25  # mark, offset, duration, and the blanks between
    name_width = max(16, min(max(map(cell_len, names)), rest - 12 if width < 100 else rest * 55 // 100))
    bar_width = max(rest - name_width, 8)
    for index, row in enumerate(table.rows):
        if cell_len(names[index]) > name_width:
            names[index] = _name(row, naming.short_label(row.span), marks, "")
    yield from _heading(table, width)
    if width < NARROW:
        for row, name in zip(table.rows, names, strict=True):
            yield _short_line(row, name, width, marks)
        yield from _footer(table)
        return
    yield Text(
        f"   {wording.fit('service', service_width)} {wording.fit('span', name_width)} {'starts':>8} {'takes':>9}  "
        + _scale(table, bar_width),
        style="dim",
        no_wrap=True,
    )
    for row, name in zip(table.rows, names, strict=True):
        yield _line(table, row, name, colours[row.span.service], (service_width, name_width, bar_width), marks)
    yield from _footer(table)


def _heading(table: Table, width: int) -> Iterator[Text]:
    trace = table.trace
    errors = sum(span.is_error for span in trace.spans)
    text = Text()
    text.append(wording.clean(f"{trace.root.service} {naming.label(trace.root)}"), "bold")
    text.append(f"  {wording.duration(trace.root.ms)}", "bold")
    text.append(f"  {wording.count(len(trace), 'span')}, {wording.count(len(trace.services), 'service')}")
    if errors:
        text.append(f", {wording.count(errors, 'error')}", "bold red")
    if trace.orphans:
        text.append(f", {wording.count(len(trace.orphans), 'orphan')}", "bold red")
    identity = Text(f"  trace {trace.trace_id}", "dim")
    if text.cell_len + identity.cell_len <= width:
        yield text + identity
    else:
        yield text
        yield identity


def clocks(trace: Trace) -> str:
    """How many spans were moved because clocks differ, by how much, and whose; empty where none was."""
    moved = [span for span in trace.spans if span.shift]
    if not moved:
        return ""
    most = max(moved, key=lambda span: abs(span.shift))
    return (
        f"{wording.count(len(moved), 'span')} moved by up to {wording.duration(abs(most.shift) / 1e6)} "
        f"({wording.clean(most.service)}'s clock differs from its caller's)"
    )


def _footer(table: Table) -> Iterator[Text]:
    if table.hidden:
        yield Text(
            f"  … {wording.count(table.hidden, 'span')} that took little time left out: --full shows all",
            "dim",
        )
    if moved := clocks(table.trace):
        yield Text(f"  clocks: {moved}: --raw-clocks shows them as recorded", "dim")
    late = table.trace.end - table.trace.root.end
    if late > 1_000_000 and table.trace.root.duration:
        yield Text(
            f"  work went on for {wording.duration(late / 1e6)} after {table.trace.root.name} had ended",
            "dim",
        )
    if table.leg.ns:
        text = Text(f"longest leg: {wording.duration(table.leg.ns / 1e6)}, ")
        text.append(f"{wording.share(table.leg_share)} of the critical path: ")
        text.append(wording.clean(f"{table.leg.span.service} {table.leg.label}"), "bold yellow")
        yield text


def _name(row: Row, label: str, marks: dict[str, str], note: str) -> str:
    tree = "".join(marks["bar"] if line else "  " for line in row.guides)
    if row.depth:
        tree += marks["end"] if row.last else marks["tee"]
    if len(tree) > 48:
        tree = f"…{row.depth} deep " + tree[-4:]
    name = wording.clean(label)
    if len(row.spans) > 1:
        name = f"× {len(row.spans)} {name}"
    if row.orphan:
        name += " (its parent is missing)"
    if row.span.links:
        name += f" (links to trace {row.span.links[0].trace_id[:8]}…)"
    return tree + name + (f"  {note}" if note else "")


def _line(table: Table, row: Row, name: str, colour: str, widths: tuple[int, int, int], marks: dict[str, str]) -> Text:
    service_width, name_width, bar_width = widths
    mark = (marks["leg"] if row.longest else " ") + (marks["error"] if row.error else " ")
    strong = "bold yellow" if row.longest else "bold red" if row.error else ""
    text = Text(no_wrap=True, overflow="crop")
    text.append(f"{mark} ", strong or "red")
    text.append(
        wording.fit(wording.clean(row.span.service), service_width) + " ",
        Style(color=colour, bold=row.longest),
    )
    text.append(wording.fit(name, name_width) + " ", strong)
    text.append(f"{wording.duration((row.span.start - table.trace.start) / 1e6):>8} ", "dim")
    text.append(f"{wording.duration(row.duration / 1e6):>9}  ", strong)
    own = "bold yellow" if row.longest else "bold red" if row.error else f"bold {colour}"
    for cell in _bar(table, row, bar_width):
        text.append(marks[cell] if cell else " ", own if cell == "own" else colour if cell == "wait" else "dim")
    text.rstrip()
    return text


def _short_line(row: Row, name: str, width: int, marks: dict[str, str]) -> Text:
    """How long, and what: on a terminal that has no room for bars."""
    mark = (marks["leg"] if row.longest else " ") + (marks["error"] if row.error else " ")
    told = f"{mark} {wording.duration(row.duration / 1e6):>8} "
    strong = "bold yellow" if row.longest else "bold red" if row.error else ""
    return Text(told + wording.fit(name, max(width - cell_len(told), 8)).rstrip(), strong, no_wrap=True)


def _bar(table: Table, row: Row, width: int) -> list[str]:
    """What each cell of the bar shows: "own", "wait", "off", or "" outside of the span."""
    start, whole = table.trace.start, _window(table)

    def cells(low: int, high: int) -> range:
        first = min((low - start) * width // whole, width - 1)
        return range(first, max(min(-(-(high - start) * width // whole), width), first + 1))

    bar = [""] * width
    for span in row.spans:
        for cell in cells(span.start, span.end):
            bar[cell] = "off"
    if row.on_path and len(row.spans) == 1:
        ends = _extent(table, row)
        for cell in cells(*ends):
            bar[cell] = "wait"
    for section in row.sections:
        # A stretch of less than half a cell would look longer than it is, unless it is all that the row has.
        if (section.end - section.start) * width * 2 >= whole or len(row.sections) == 1:
            for cell in cells(section.start, section.end):
                bar[cell] = "own"
    return bar


def _window(table: Table) -> int:
    """The nanoseconds that the bars show: all of the trace, but not a long tail of work that nobody waited for."""
    to_root_end = table.trace.root.end - table.trace.start
    return max(to_root_end if table.trace.duration > 3 * to_root_end else table.trace.duration, 1)


def _extent(table: Table, row: Row) -> tuple[int, int]:
    """The part of a span in which the root waited for it or for what it called."""
    return max(row.span.start, table.trace.root.start), min(row.span.end, table.trace.root.end)


def _scale(table: Table, width: int) -> str:
    end = wording.duration(_window(table) / 1e6)
    return "0" + end.rjust(width - 1) if width > len(end) else ""


def as_json(table: Table) -> dict[str, Any]:
    """The waterfall as data: times in ms, offsets from the trace's start."""
    trace = table.trace
    return {
        "trace_id": trace.trace_id,
        "root": {"service": trace.root.service, "name": trace.root.name, "ms": trace.root.ms},
        "duration_ms": trace.duration / 1e6,
        "span_count": len(trace),
        "services": trace.services,
        "orphan_count": len(trace.orphans),
        "longest_leg": {
            "span_id": table.leg.span.span_id,
            "service": table.leg.span.service,
            "name": table.leg.label,
            "ms": table.leg.ns / 1e6,
            "share": round(table.leg_share, 4),
        },
        "hidden_spans": table.hidden,
        "rows": [_row_json(table, row) for row in table.rows],
    }


def _row_json(table: Table, row: Row) -> dict[str, Any]:
    span = row.span
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "depth": row.depth,
        "service": span.service,
        "name": span.name,
        "label": row.label,
        "kind": span.kind,
        "offset_ms": (span.start - table.trace.start) / 1e6,
        "duration_ms": row.duration / 1e6,
        "self_ms": sum(self_time(table.trace, each) for each in row.spans) / 1e6,
        "critical_ms": row.critical / 1e6,
        "repeats": len(row.spans),
        "error": row.error,
        "error_text": conventions.error_text(span) if row.error else "",
        "orphan": row.orphan,
        "longest_leg": row.longest,
        "links": [{"trace_id": link.trace_id, "span_id": link.span_id} for link in span.links],
    }
