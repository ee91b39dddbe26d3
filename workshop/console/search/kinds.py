"""What kinds of traces there are: their roots, for the row of links above the list."""

import threading

from workshop.console.search.found import ANY_SERVICE_LIMIT, FIRST
from workshop.traces.sources.jaeger import JaegerClient
from workshop.traces.sources.summaries import under_way

LOOKED_AT = 20  # newest traces of each service
FRESH = 15.0  # seconds
DAY = 86_400.0
MOST = 5


class Kinds:
    """The roots seen so far, as (service, name); safe for several threads."""

    def __init__(self, client: JaegerClient) -> None:
        self.client = client
        self._seen: set[tuple[str, str]] = set()
        self._looked = 0.0
        self._lock = threading.Lock()

    def seen(self, services: list[str], now: float) -> list[tuple[str, str]]:
        """At most MOST kinds, the shop's checkouts first. Raises JaegerError."""
        with self._lock:
            if not 0 <= now - self._looked < FRESH:
                self._looked = now
                for service in services[:ANY_SERVICE_LIMIT]:
                    for trace in self.client.search(service, start=now - DAY, end=now + 60, limit=LOOKED_AT):
                        if trace.root_name and not under_way(trace, now):
                            self._seen.add((trace.root_service, trace.root_name))
            there = [kind for kind in self._seen if kind[0] in services]
            return sorted(there, key=lambda kind: (kind != FIRST, kind))[:MOST]
