"""The checkouts made last, by whomever, as Jaeger and this checkout's own notes know them."""

import time

from workshop.shop import history
from workshop.traces.sources import ids
from workshop.traces.sources.fetching import NoTraces
from workshop.traces.sources.jaeger import JaegerClient

# The shop's public operation: what "the last checkout" means.
SERVICE, OPERATION = "gateway", "POST /checkout"


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
    if not times:
        raise NoTraces("no checkout yet: make one with `make checkout`, or give a trace id")
    return sorted(times, key=lambda key: times[key], reverse=True)[:count]


def just_bought(trace_id: str) -> bool:
    """Whether it is the trace, in 32 lower-case hex digits, of one of the last checkouts made here."""
    return any(entry["trace_id"] == trace_id for entry in history.last(20))
