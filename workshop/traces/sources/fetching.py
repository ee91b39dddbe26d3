"""Takes traces from where they are: by an id, from a file, and those of the same moment."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from workshop.traces.model import conventions
from workshop.traces.model.span import Span
from workshop.traces.model.trace import Trace
from workshop.traces.sources import ids
from workshop.traces.sources.files import STDIN, Reading, read
from workshop.traces.sources.jaeger import JaegerClient, JaegerError, TraceNotFound, TraceTimeout
from workshop.traces.sources.summaries import SETTLED

ON_THEIR_WAY = 1.0  # seconds: the services' spans are sent every 0.4 s, and the collector's every 0.2 s
SUFFIXES = (".json", ".jsonl", ".ndjson", ".pb", ".gz", ".zst")
PATIENCE = 3.0  # seconds to wait for the rest of a trace that was made just now
RELATED_SERVICES = 10
RELATED_TRACES = 5
AROUND_TRACES = 300
AROUND_SECONDS = 10.0  # a message's consumer comes later, and who holds a lock may have come before


class NoTraces(Exception):
    """There is nothing to show; the message says why and what to do."""


def is_file(text: str) -> bool:
    """Whether an argument names a file, a folder or standard input (`-`), and not a trace id."""
    return text == STDIN or ("/" in text and "://" not in text) or text.endswith(SUFFIXES) or is_there(text)


def is_there(text: str) -> bool:
    """Whether there is a file or folder of this name."""
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # longer than a name can be, or with a zero in it
        return False


def from_files(names: Sequence[str]) -> Reading:
    """The traces of files, folders and standard input, read as one; raises NoTraces with the reason."""
    try:
        return read(names)
    except OSError as error:
        raise NoTraces(f"cannot read {error.filename or ', '.join(names)}: {error.strerror or error}") from None
    except ValueError as error:  # UnknownFormat, and a name with a zero in it
        raise NoTraces(str(error)) from None


def open_calls(trace: Trace) -> list[Span]:
    """Calls to other processes with no span below them."""
    return [span for span in trace.spans if conventions.is_call(span) and not trace.children(span)]


def settled(trace: Trace) -> bool:
    """its root, every parent, and what is below its calls"""
    if not trace.roots or trace.orphans:
        return False
    # A call with nothing below it is one to a service that sends no spans, or whose spans are not here yet.
    return not open_calls(trace) or not 0 <= time.time() - trace.end / 1e9 < ON_THEIR_WAY


def nothing_is(trace_id: str) -> bool:
    """no trace is known to have been made just now"""
    return False


def fetch(client: JaegerClient, trace_id: str, expected: Callable[[str], bool] = nothing_is) -> Trace:
    """The trace, whole if it can be had: a recent one is given a moment for its last spans to arrive.

    One that is not there at all is waited for where `expected` says that it was made just now.
    """
    wanted = ids.trace_id(trace_id)
    try:
        trace = client.get_trace(wanted)
        if settled(trace) or time.time() - trace.end / 1e9 > SETTLED:
            return trace
    except TraceNotFound:
        if not expected(wanted):
            raise
    try:
        return client.wait_for_trace(wanted, until=settled, timeout=PATIENCE)
    except TraceTimeout:
        return client.get_trace(wanted)


def fetch_all(
    client: JaegerClient, trace_ids: Sequence[str], expected: Callable[[str], bool] = nothing_is
) -> list[Trace]:
    """Those of the traces that Jaeger still has."""
    traces = []
    for trace_id in trace_ids:
        try:
            traces.append(fetch(client, trace_id, expected))
        except TraceNotFound:
            continue
    return traces


def related(client: JaegerClient, trace: Trace) -> list[Trace]:
    """Other traces in which a callee of this one may have ended up: begun during a call that nothing answered."""
    leaves = open_calls(trace)
    if not leaves:
        return []
    services = client.services()
    hosts = {urlsplit(f"//{conventions.peer(span)}").hostname for span in leaves}
    named = [service for service in services if service in hosts]
    asked = named or (services if len(services) <= RELATED_SERVICES else [])
    start, end = min(s.start for s in leaves) / 1e9 - 0.01, max(s.end for s in leaves) / 1e9 + 0.01
    found: dict[str, None] = {}
    for service in asked:
        for summary in client.search(service, start=start, end=end, limit=RELATED_TRACES):
            if summary.trace_id != trace.trace_id and summary.root_service == service:
                found[summary.trace_id] = None
    return fetch_existing(client, list(found)[:RELATED_TRACES])


def around(client: JaegerClient, traces: Sequence[Trace]) -> list[Trace]:
    """The traces of all services from before the first of these to after the last, themselves left out.

    Who kept one of them waiting may be another operation's, and the worker's part of one is a trace of its own. They
    are AROUND_TRACES at most.
    """
    start, end = min(t.start for t in traces) / 1e9 - AROUND_SECONDS, max(t.end for t in traces) / 1e9 + AROUND_SECONDS
    known = {trace.trace_id for trace in traces}
    found: dict[str, None] = {}
    services = client.services()
    for service in services[:RELATED_SERVICES]:
        for summary in client.search(service, start=start, end=end, limit=AROUND_TRACES):
            if summary.trace_id not in known:
                found[summary.trace_id] = None
    return fetch_existing(client, list(found)[:AROUND_TRACES])


def fetch_existing(client: JaegerClient, trace_ids: Sequence[str]) -> list[Trace]:
    """The traces as they are now, without waiting for any."""
    traces = []
    for trace_id in trace_ids:
        try:
            traces.append(client.get_trace(trace_id))
        except JaegerError:
            continue
    return traces
