"""Where the commands take traces from: an id, a file, or the checkouts made last."""

import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from workshop.traces import conventions, ids
from workshop.traces.client import JaegerClient, JaegerError, TraceNotFound, TraceTimeout
from workshop.traces.loaders import UnknownFormat, load_file
from workshop.traces.model import Trace
from workshop.traces.span import Span

# The shop's public operation: what "the last checkout" means.
SERVICE, OPERATION = "gateway", "POST /checkout"
ON_THEIR_WAY = 1.0  # seconds: the services' spans are sent every 0.4 s, and the collector's every 0.2 s
SETTLED = 10.0  # seconds after which nothing is expected to be added to a trace
PATIENCE = 3.0  # seconds to wait for the rest of a trace that was made just now
RELATED_SERVICES = 10
RELATED_TRACES = 5


class NoTraces(Exception):
    """There is nothing to show; the message says why and what to do."""


def is_file(text: str) -> bool:
    """Whether an argument names a file, and not a trace id."""
    return Path(text).is_file() or "/" in text or text.endswith((".json", ".jsonl"))


def from_file(text: str) -> list[Trace]:
    """The file's traces; raises NoTraces with the reason."""
    try:
        return load_file(Path(text))
    except OSError as error:
        raise NoTraces(f"cannot read {text}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise NoTraces(f"{text} is not JSON: it is not even text") from None
    except UnknownFormat as error:
        raise NoTraces(str(error)) from None


def last_checkouts(client: JaegerClient, count: int = 1) -> list[str]:
    """The ids of the checkouts made last, whoever made them, newest first; raises NoTraces when there were none."""
    from workshop.stack import history  # the console needs no settings of the stack, and no memory for them

    found = client.search(SERVICE, OPERATION, limit=max(20, count), start=time.time() - 86_400)
    times = {summary.trace_id: summary.start / 1e9 for summary in found if summary.root_name == OPERATION}
    # What was bought a moment ago may not be searchable yet, but its id is known.
    for entry in history.last(count):
        times.setdefault(ids.trace_id(entry["trace_id"]), float(entry.get("time", 0)))
    if not times:
        raise NoTraces("no checkout yet: make one with `make checkout`, or give a trace id")
    return sorted(times, key=lambda key: times[key], reverse=True)[:count]


def open_calls(trace: Trace) -> list[Span]:
    """Calls to other processes with no span below them."""
    return [span for span in trace.spans if conventions.is_call(span) and not trace.children(span)]


def settled(trace: Trace) -> bool:
    """its root, every parent, and what is below its calls"""
    if not trace.roots or trace.orphans:
        return False
    # A call with nothing below it is one to a service that sends no spans, or whose spans are not here yet.
    return not open_calls(trace) or not 0 <= time.time() - trace.end / 1e9 < ON_THEIR_WAY


def fetch(client: JaegerClient, trace_id: str) -> Trace:
    """The trace, whole if it can be had: a recent one is given a moment for its last spans to arrive."""
    wanted = ids.trace_id(trace_id)
    try:
        trace = client.get_trace(wanted)
        if settled(trace) or time.time() - trace.end / 1e9 > SETTLED:
            return trace
    except TraceNotFound:
        from workshop.stack import history

        if not any(entry["trace_id"] == wanted for entry in history.last(20)):
            raise
    try:
        return client.wait_for_trace(wanted, until=settled, timeout=PATIENCE)
    except TraceTimeout:
        return client.get_trace(wanted)


def fetch_all(client: JaegerClient, trace_ids: Sequence[str]) -> list[Trace]:
    """Those of the traces that Jaeger still has."""
    traces = []
    for trace_id in trace_ids:
        try:
            traces.append(fetch(client, trace_id))
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


def fetch_existing(client: JaegerClient, trace_ids: Sequence[str]) -> list[Trace]:
    """The traces as they are now, without waiting for any."""
    traces = []
    for trace_id in trace_ids:
        try:
            traces.append(client.get_trace(trace_id))
        except JaegerError:
            continue
    return traces
