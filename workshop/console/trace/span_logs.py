"""The log lines of a trace's spans, where the console lies beside the services' log files."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workshop.logs.log_lines import parse
from workshop.traces import wording
from workshop.traces.model.trace import Trace

# Of one span; more would only push its attributes off the screen.
MOST_LINES = 50
# A day's logs, read from their beginning, would cost more than all the rest of the page.
CHUNK_BYTES = 200_000
# Lines stand nearly in order of time.
LEEWAY_NS = 1_000_000_000


def by_span(folder: str, trace: Trace) -> dict[str, list[dict[str, Any]]]:
    """The lines by span id, oldest first: `at` in ms from the trace's start, `level`, `message`.

    Empty without a folder. Only files that were written to since the trace began are read.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    paths = [path for path in Path(folder).glob("*.log*") if _may_have(path, trace)] if folder else []
    for path in paths:
        for text in _with_words(path, trace.trace_id.encode(), trace.start - LEEWAY_NS):
            line = parse(text)
            if line and line.trace_id == trace.trace_id:
                at = round((line.time - trace.start) / 1e6, 4)
                entry = {"at": at, "level": wording.clean(line.level), "message": wording.clean(line.message)}
                found.setdefault(line.span_id, []).append(entry)
    return {span: sorted(lines, key=lambda line: line["at"])[:MOST_LINES] for span, lines in found.items()}


def _with_words(path: Path, words: bytes, since: int) -> Iterator[str]:
    """The lines in which the words stand, of those that were written since then (Unix ns): from the end, in chunks."""
    with path.open("rb") as file:
        end, rest = file.seek(0, os.SEEK_END), b""
        while end > 0:
            begin = max(0, end - CHUNK_BYTES)
            file.seek(begin)
            # A line that is cut belongs to the chunk before.
            cut, newline, whole = (file.read(end - begin) + rest).partition(b"\n")
            rest, whole, end = (cut + newline, whole, begin) if begin else (b"", cut + newline + whole, 0)
            lines = whole.splitlines()
            if words in whole:
                yield from (line.decode(errors="replace") for line in lines if words in line)
            first = parse(lines[0].decode(errors="replace")) if lines else None
            if first and first.time < since:
                break


def _may_have(path: Path, trace: Trace) -> bool:
    """Whether a file can hold lines of the trace; not when it is gone meanwhile."""
    try:
        return path.stat().st_mtime_ns >= trace.start - LEEWAY_NS
    except OSError:
        return False
