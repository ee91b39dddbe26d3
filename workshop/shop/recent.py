"""The checkouts made last, by whomever, as Jaeger and this checkout's own notes know them."""

import contextlib
import re
import time

from workshop.shop import history
from workshop.traces.model.trace import Trace
from workshop.traces.sources import fetching, ids
from workshop.traces.sources.fetching import NoTraces
from workshop.traces.sources.jaeger import JaegerClient, TraceNotFound

# Too short for an id: people type the beginning of one.
SHORT = re.compile(r"[0-9a-f]{1,15}")
# The shop's public operation: what "the last checkout" means.
SERVICE, OPERATION = "gateway", "POST /checkout"
WHY_NOT_SAMPLED = "the gateway's OTEL_TRACES_SAMPLER leaves some out (make status tells what was changed)"


def last_checkouts(client: JaegerClient, count: int = 1) -> list[str]:
    """The ids of the checkouts made last, whoever made them, newest first; raises NoTraces when there were none."""
    found = client.search(SERVICE, OPERATION, limit=max(20, count), start=time.time() - 86_400)
    times = {summary.trace_id: summary.start / 1e9 for summary in found if summary.root_name == OPERATION}
    # What was bought a moment ago may not be searchable yet, but its id is known.
    for entry in history.last(count):
        times.setdefault(ids.trace_id(entry["trace_id"]), float(entry.get("time", 0)))
    # Whoever hunted a checkout means that one, until somebody buys again.
    for entry in history.entries()[-1:]:
        if entry.get("kind") == "hunt" and all(made < float(entry["time"]) for made in times.values()):
            times[entry["trace_id"]] = float(entry["time"])
    if not times and history.not_sampled():
        raise NoTraces(f"no checkout was sampled: {WHY_NOT_SAMPLED}")
    if not times:
        raise NoTraces("no checkout yet: make one with `make checkout`, or give a trace id")
    return sorted(times, key=lambda key: times[key], reverse=True)[:count]


def whole_id(client: JaegerClient, text: str) -> str:
    """The id meant by what was typed: a trace's page, a whole id, or the beginning of a recent checkout's.

    Raises NoTraces when a beginning fits none of them, or several.
    """
    word = text.strip().rstrip("/").rpartition("/")[2].lower()
    if not SHORT.fullmatch(word):
        return word
    known = {ids.trace_id(entry["trace_id"]) for entry in history.last(history.KEPT)}
    with contextlib.suppress(NoTraces):
        known.update(last_checkouts(client, 500))
    fitting = sorted(each for each in known if each.startswith(word))
    if not fitting:
        raise NoTraces(f"no recent checkout's id begins with {word}: give the whole id, of 16 or 32 hex digits")
    if len(fitting) > 1:
        raise NoTraces(f"{len(fitting)} ids begin with {word} ({fitting[0]}, {fitting[1]} …): give more of it")
    return fitting[0]


def fetch(client: JaegerClient, trace_id: str) -> Trace:
    """The trace, whole if it can be had; TraceNotFound says so when it is of a checkout that was not sampled."""
    try:
        return fetching.fetch(client, trace_id, just_bought)
    except TraceNotFound:
        if ids.trace_id(trace_id) in history.not_sampled():
            raise TraceNotFound(f"trace {trace_id} was not sampled: {WHY_NOT_SAMPLED}") from None
        raise


def just_bought(trace_id: str) -> bool:
    """Whether it is the trace, in 32 lower-case hex digits, of one of the last checkouts made here."""
    return any(entry["trace_id"] == trace_id for entry in history.last(20))
