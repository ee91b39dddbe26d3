"""One trace in memory: two byte strings, so that taking spans in costs little and searching makes few objects.

`blob` holds the spans as they came, one after another as a serialized ScopeSpans message; `records` one fixed-size
record a span, with what searches and summaries need.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

# span id, parent id, kind, status, start (ns), end (ns), operation, source, where in the blob
RECORD = struct.Struct("<8s8sBBQQIII")
EDGE = struct.Struct("<QQ18xI8x")  # the same, read for span id, parent id and operation alone
FACTS = struct.Struct("<17xBQQIII")  # the same, read for what comes after the kind
NO_ID = bytes(8)
KINDS = ("", "internal", "server", "client", "producer", "consumer")
OVERHEAD = 450  # bytes that Python needs for a trace besides its spans, measured
FEW = 64  # spans; up to so many, looking through the records beats keeping a set of their ids

Calls = tuple[tuple[int, int], ...]  # operations of parent and child, for each span whose parent is there


class Record(NamedTuple):
    """What is known of a span without decoding it."""

    span_id: bytes
    parent_id: bytes
    kind: int
    status: int
    start: int
    end: int
    operation: int
    source: int
    offset: int


class Trace:
    """One trace's spans, in the order in which they came."""

    __slots__ = ("blob", "calls", "earliest", "known", "latest", "records", "trace_id")

    def __init__(self, trace_id: bytes) -> None:
        self.trace_id = trace_id
        self.blob = bytearray()
        self.records = bytearray()
        self.known: set[bytes] | None = None
        self.earliest = 2**64  # ns since the epoch: the first start
        self.latest = 0  # the last end
        self.calls: Calls | None = None  # who calls whom, once somebody asked

    def __len__(self) -> int:
        return len(self.records) // RECORD.size

    def __iter__(self) -> Iterator[Record]:
        return map(Record._make, RECORD.iter_unpack(bytes(self.records)))

    def edges(self) -> Iterator[tuple[int, int, int]]:
        """Span id, parent id (as numbers, 0 for none) and operation of each span."""
        return EDGE.iter_unpack(bytes(self.records))

    def facts(self) -> Iterator[tuple[int, int, int, int, int, int]]:
        """Status, start, end, operation, source and offset of each span."""
        return FACTS.iter_unpack(bytes(self.records))

    @property
    def size(self) -> int:
        """Bytes of memory, roughly."""
        return OVERHEAD + len(self.blob) + len(self.records) + (100 * len(self.known) if self.known else 0)

    def has(self, key: bytes) -> bool:
        """Whether the span whose record begins so (span id, parent id, kind) is there already."""
        if self.known is None and len(self) < FEW:
            at = self.records.find(key)
            while at > 0 and at % RECORD.size:
                at = self.records.find(key, at + 1)
            return at >= 0
        if self.known is None:
            self.known = {bytes(self.records[at : at + len(key)]) for at in range(0, len(self.records), RECORD.size)}
        if key in self.known:
            return True
        self.known.add(key)
        return False

    def frame(self, offset: int) -> bytes:
        """The bytes of the span there: a ScopeSpans message that holds this span alone."""
        length = shift = 0
        at = offset + 1
        while True:
            byte = self.blob[at]
            length |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return bytes(self.blob[offset : at + length])


def length_delimited(field: int, content: bytes) -> bytes:
    """A field that holds a message or bytes, in protobuf's wire format."""
    return frame_head(len(content), field) + content


def frame_head(size: int, field: int = 2) -> bytes:
    """Tag and length of such a field; by default of a span within a ScopeSpans message."""
    head = bytearray((field << 3 | 2,))
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head)
