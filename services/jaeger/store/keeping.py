"""The traces over a restart: written to a file when the stand-in ends in order, read again when it starts.

The file is a row of OTLP requests, one for each trace, oldest first, each after its length in bytes (4, little-endian).
"""

import logging
import struct
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.jaeger.store.store import Store
from services.jaeger.store.tables import Source
from services.jaeger.store.trace import Trace, length_delimited

log = logging.getLogger("jaeger")

LENGTH = struct.Struct("<I")
# Of the messages' fields, by number: Request.resource_spans, ResourceSpans.resource, .scope_spans, .schema_url,
# ScopeSpans.scope, .schema_url. A ScopeSpans' spans (2) are in the trace's blob as they are.
RESOURCE_SPANS, RESOURCE, SCOPE_SPANS, SCHEMA_URL, SCOPE = 1, 1, 2, 3, 1


def keep(store: Store, path: Path) -> None:
    """Write all traces; what was in the file before stays until the new one is whole. OSError when it can't be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    with store.lock, unfinished.open("wb") as file:
        for trace in store.traces.values():
            request = _request(trace, store.sources.values)
            file.write(LENGTH.pack(len(request)) + request)
    unfinished.replace(path)


def restore(store: Store, path: Path) -> None:
    """Take in what `keep` wrote, within the store's bounds; a file that cannot be read to its end is told of once."""
    try:
        with path.open("rb") as file:
            while head := file.read(LENGTH.size):
                (size,) = LENGTH.unpack(head)
                body = file.read(size)
                if len(body) < size:
                    raise DecodeError("it ends in the middle of a trace")
                store.add(ExportTraceServiceRequest.FromString(body))
    except FileNotFoundError:
        return
    except (OSError, DecodeError, struct.error) as error:
        log.warning("the traces of before in %s could not be read whole: %s", path, error)
    if store.traces:
        log.info("%d traces of before are here again", len(store.traces))


def _request(trace: Trace, sources: dict[int, Source]) -> bytes:
    """The trace as a serialized ExportTraceServiceRequest, spans that follow one another from one source together."""
    resources = b""
    for number, frames in _runs(trace):
        source = sources[number]
        scope_spans = length_delimited(SCOPE, source.scope) + frames + _url(source.scope_schema)
        resource_spans = (
            length_delimited(RESOURCE, source.resource)
            + length_delimited(SCOPE_SPANS, scope_spans)
            + _url(source.resource_schema)
        )
        resources += length_delimited(RESOURCE_SPANS, resource_spans)
    return resources


def _runs(trace: Trace) -> Iterator[tuple[int, bytes]]:
    """The blob in pieces, each of spans from one source, with the source's number."""
    begin, now = 0, None
    for record in trace:
        if now is not None and record.source != now:
            yield now, bytes(trace.blob[begin : record.offset])
            begin = record.offset
        now = record.source
    if now is not None:
        yield now, bytes(trace.blob[begin:])


def _url(text: str) -> bytes:
    return length_delimited(SCHEMA_URL, text.encode()) if text else b""
