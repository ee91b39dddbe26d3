"""The log lines of a trace's spans, where the console lies beside the services' log files."""

from pathlib import Path
from typing import Any

from workshop.logs.log_lines import parse
from workshop.traces import wording
from workshop.traces.model.trace import Trace

# Of one span; more would only push its attributes off the screen.
MOST_LINES = 50


def by_span(folder: str, trace: Trace) -> dict[str, list[dict[str, Any]]]:
    """The lines by span id, oldest first: `at` in ms from the trace's start, `level`, `message`.

    Empty without a folder. Only files that were written to since the trace began are read.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    paths = [path for path in Path(folder).glob("*.log*") if _may_have(path, trace)] if folder else []
    for path in paths:
        with path.open(errors="replace") as file:
            for text in file:
                line = parse(text) if trace.trace_id in text else None
                if line and line.trace_id == trace.trace_id:
                    at = round((line.time - trace.start) / 1e6, 4)
                    entry = {"at": at, "level": wording.clean(line.level), "message": wording.clean(line.message)}
                    found.setdefault(line.span_id, []).append(entry)
    return {span: sorted(lines, key=lambda line: line["at"])[:MOST_LINES] for span, lines in found.items()}


def _may_have(path: Path, trace: Trace) -> bool:
    """Whether a file can hold lines of the trace; not when it is gone meanwhile."""
    try:
        return path.stat().st_mtime_ns >= trace.start - 1_000_000_000
    except OSError:
        return False
