"""Traces from files in any form that tracing systems write; what was odd in them is told, not fatal."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.traces.model.trace import Span, Trace
from workshop.traces.sources.formats.documents import documents
from workshop.traces.sources.formats.odd import Notes, UnknownFormat, one_line
from workshop.traces.sources.formats.recognise import spans_of
from workshop.traces.sources.formats.spelling import Ids, SameSpelling
from workshop.traces.sources.formats.unpacking import LIMIT, too_large

__all__ = ["STDIN", "Reading", "UnknownFormat", "group", "load_file", "read", "read_bytes", "traces_of"]

STDIN = "-"


@dataclass
class Reading:
    """What was read: the traces, the first to start first; one sentence for each kind of oddity met; bytes unpacked."""

    traces: list[Trace]
    notes: list[str] = field(default_factory=list)
    size: int = 0


def load_file(path: Path) -> list[Trace]:
    """A file's traces, without the notes. Raises UnknownFormat, or OSError when it cannot be read."""
    return read([str(path)]).traces


def read(names: Sequence[str], limit: int = LIMIT) -> Reading:
    """Reads files, folders (with what is below them) and `-`, the standard input, as one: a trace may lie in several.

    In a folder, what is no trace is skipped with a note. `limit` is in bytes, for each file unpacked.
    Raises UnknownFormat with the file's name and what was found in it; OSError when one cannot be read.
    """
    spans: list[Span] = []
    notes: list[str] = []
    size = 0
    for name in names:
        files = _below(Path(name)) if name != STDIN and Path(name).is_dir() else [name]
        refused: UnknownFormat | None = None
        before = len(spans)
        for file in files:
            try:
                found, odd, unpacked = _spans(_content(file, limit), _called(file), limit)
            except UnknownFormat as error:
                if len(files) == 1:
                    raise
                refused = refused or error
                notes.append(f"{error}: skipped")
                continue
            spans += found
            notes += odd
            size += unpacked
        if len(spans) == before:
            raise refused or UnknownFormat(f"{name}: no file in this folder")
    return Reading(group(spans), notes, size)


def read_bytes(data: bytes, called: str, limit: int = LIMIT) -> Reading:
    """Reads a file's bytes; `called` is its name in messages. Raises UnknownFormat."""
    spans, notes, size = _spans(data, called, limit)
    return Reading(group(spans), notes, size)


def _below(folder: Path) -> list[str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _called(name: str) -> str:
    return "standard input" if name == STDIN else name


def _content(name: str, limit: int) -> bytes:
    if name == STDIN:
        data = sys.stdin.buffer.read(limit + 1)
    else:
        with Path(name).open("rb") as file:
            data = file.read(limit + 1)
    if len(data) > limit:
        raise UnknownFormat(f"{_called(name)}: {too_large(limit)}")
    return data


def _spans(data: bytes, called: str, limit: int) -> tuple[list[Span], list[str], int]:
    """The spans; what was odd, each sentence with the file's name; and how many bytes it was, unpacked."""
    try:
        try:
            notes = Notes()
            spans = _read(data, notes, limit)
        except SameSpelling:
            notes = Notes(literal_ids=True)
            spans = _read(data, notes, limit)
        if not spans:
            raise UnknownFormat("; ".join(["no spans in it", *notes.lines()]))
    except UnknownFormat as error:
        raise UnknownFormat(one_line(f"{called}: {error}")) from None
    return spans, [one_line(f"{called}: {line}") for line in notes.lines()], notes.size


def _read(data: bytes, notes: Notes, limit: int) -> list[Span]:
    """Every document's spans: one that is no trace is skipped with a note, unless none is one."""
    ids = Ids(notes)
    spans: list[Span] = []
    refused: UnknownFormat | None = None
    for document in documents(data, notes, limit):
        try:
            spans += spans_of(document, ids)
        except UnknownFormat as error:
            refused = refused or error
            notes.add("a document is no trace", "skipped", str(error))
    if refused and not spans:
        raise refused
    return spans


def traces_of(document: Any) -> list[Trace]:
    """The traces in a parsed JSON document; raises UnknownFormat."""
    try:
        return group(spans_of(document, Ids(Notes())))
    except SameSpelling:
        return group(spans_of(document, Ids(Notes(literal_ids=True))))


def group(spans: Iterable[Span]) -> list[Trace]:
    """Sorts spans into traces, the first to start first."""
    by_trace: dict[str, list[Span]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    return sorted((Trace(each) for each in by_trace.values()), key=lambda trace: trace.start)
