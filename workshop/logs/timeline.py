"""A trace's log lines and its spans on one timeline: what was written, where in the tree, and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workshop.logs.log_lines import LogLine
from workshop.traces import wording
from workshop.traces.model import naming
from workshop.traces.model.trace import Span, Trace

MOST_SPANS = 200  # of a larger trace only the spans with lines in or below them are shown
MILLISECOND = 1_000_000
_STYLES = {"WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}


@dataclass(slots=True, frozen=True)
class Entry:
    """A span's start, or a log line (then `span` is the one it was written in, None where that is not known).

    `offset_ms` counts from the trace's start, `depth` is the indentation.
    """

    offset_ms: float
    depth: int
    span: Span | None
    line: LogLine | None


class Timeline:
    """The entries in order; `trace` is None when only the lines are left of it. Rich prints it as a table."""

    def __init__(self, trace_id: str, trace: Trace | None, lines: Sequence[LogLine]) -> None:
        self.trace_id = trace_id
        self.trace = trace
        self.lines = lines
        self.hidden = 0
        self.entries = [entry for _, entry in sorted(self._entries(), key=lambda pair: pair[0])]

    def _entries(self) -> Iterator[tuple[tuple[int, int, int], Entry]]:
        start = self.trace.start if self.trace else min((line.time for line in self.lines), default=0)
        depths: dict[str, int] = {}
        if self.trace:
            shown = self._shown(self.trace)
            for number, (span, depth) in enumerate(self.trace.walk()):
                depths[span.span_id] = depth
                if span.span_id in shown:
                    yield (span.start, 0, number), Entry((span.start - start) / 1e6, depth, span, None)
        for line in self.lines:
            span_of = self.trace.by_id.get(line.span_id) if self.trace else None
            depth = depths[line.span_id] + 1 if span_of else 0
            time = _time(line, span_of)
            yield (time, 1, -depth), Entry((time - start) / 1e6, depth, span_of, line)

    def _shown(self, trace: Trace) -> set[str]:
        """The spans to show: all, or in a large trace those that lines were written in, and all above them."""
        if len(trace) <= MOST_SPANS:
            return set(trace.by_id)
        shown: set[str] = set()
        for line in self.lines:
            span = trace.by_id.get(line.span_id)
            while span is not None and span.span_id not in shown:
                shown.add(span.span_id)
                span = trace.parent(span)
        self.hidden = len(trace) - len(shown)
        return shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the timeline; long messages are wrapped under themselves."""
        fancy = not options.ascii_only
        heading, identity = self._heading(), Text(f"  trace {self.trace_id}", "dim")
        fits = heading.cell_len + identity.cell_len <= options.max_width
        for part in [heading + identity] if fits else [heading, identity]:
            yield part if fancy else wording.plain(part)
        table = Table.grid(padding=(0, 1))
        table.add_column(justify="right", style="dim", no_wrap=True)
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for entry in self.entries:
            cells = [cell if fancy else wording.plain(cell) for cell in _cells(entry)]
            table.add_row(*cells[:-1], Padding(cells[-1], (0, 0, 0, 2 * entry.depth)))
        yield table
        if self.hidden:
            yield Text(f"{wording.count(self.hidden, 'span')} without log lines left out", "dim")

    def _heading(self) -> Text:
        lines = wording.count(len(self.lines), "log line")
        services = wording.count(len({line.service for line in self.lines}), "service")
        told = f"{lines} of {services}" if self.lines else lines
        if self.trace is None:
            return Text(told)
        root = self.trace.root
        text = Text()
        text.append(wording.clean(f"{root.service} {naming.label(root)}"), "bold")
        text.append(f"  {wording.duration(root.ms)}", "bold")
        return text.append(f"  {wording.count(len(self.trace), 'span')}, {told}")

    def as_json(self) -> dict[str, Any]:
        """The timeline as data: times in ms from the trace's start."""
        return {
            "trace_id": self.trace_id,
            "spans": [_span_json(entry) for entry in self.entries if entry.line is None],
            "lines": [_line_json(entry) for entry in self.entries if entry.line],
        }


def _time(line: LogLine, span: Span | None) -> int:
    """When a line was written, as near as can be told: one that names no more than its millisecond, at its end.

    Most lines tell of work that is done. It stays within its span, so that a callee's last line is before its caller's.
    """
    time = line.time + (span.shift if span else 0)
    end = time + MILLISECOND - 1 if line.time % MILLISECOND == 0 else time
    if span is None:
        return end
    return max(min(end, span.end) if time <= span.end else time, span.start)


def _cells(entry: Entry) -> list[Text]:
    at = Text(f"{entry.offset_ms:,.0f} ms")
    if entry.line is None:
        assert entry.span is not None
        name = wording.clean(naming.label(entry.span))
        told = Text(f"{name}  {wording.duration(entry.span.ms)}", "red" if entry.span.is_error else "dim")
        return [at, Text(wording.clean(entry.span.service), "dim"), Text(), told]
    line = entry.line
    style = _STYLES.get(line.level, "")
    message = [line.message.split("\n", 1)[0], *str(line.fields.get("exc_info") or "").strip().splitlines()[-1:]]
    told = Text("\n".join(map(wording.clean, message)), style or "bold")
    return [at, Text(wording.clean(line.service)), Text(wording.clean(line.level), style), told]


def _span_json(entry: Entry) -> dict[str, Any]:
    span = entry.span
    assert span is not None
    return {
        "offset_ms": entry.offset_ms,
        "duration_ms": span.ms,
        "depth": entry.depth,
        "service": span.service,
        "name": span.name,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "error": span.is_error,
    }


def _line_json(entry: Entry) -> dict[str, Any]:
    assert entry.line is not None
    return {
        "offset_ms": entry.offset_ms,
        "depth": entry.depth,
        "span": naming.label(entry.span) if entry.span else None,
        **entry.line.fields,
    }
