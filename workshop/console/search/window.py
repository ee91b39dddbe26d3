"""What searches found, kept and completed: however many pages look live, Jaeger answers one search a second.

A window is a stretch of time and not a number of traces: what was before a change must not scroll away because much
came after it. Where there is more than can be drawn, every part of the window gives up its share.
"""

import math
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from workshop.console.search.form import SearchForm
from workshop.traces.sources.jaeger import JaegerClient
from workshop.traces.sources.summaries import SETTLED, TraceSummary, under_way

FRESH = 1.0  # seconds for which an answer is given again
WHOLE = 60.0  # seconds after which a window is searched as a whole again: Jaeger drops old traces
KEPT = 4_000  # traces of a window
WINDOWS = 16  # searches that are kept, those asked for last
SLICES = 12  # of a window in which there is more than one search gives
PARTS = 60  # of a window that is thinned, at most


def thinned(traces: Iterable[TraceSummary], most: int) -> list[TraceSummary]:
    """At most about `most` of the traces, newest first, from every part of the time in which they began.

    Each part keeps its slowest and, of the others, those whose ids come first: the choice is the same the next time, so
    that a live plot does not flicker.
    """
    found = sorted(traces, key=lambda trace: trace.start, reverse=True)
    if len(found) <= most:
        return found
    # Parts are a power of two long and begin at its multiples, or they would be others whenever a trace has come.
    length = 2.0 ** math.ceil(math.log2(max((found[0].start - found[-1].start) / 1e9 / PARTS, 1e-6)))
    parts: dict[int, list[TraceSummary]] = defaultdict(list)
    for trace in found:
        parts[int(trace.start / 1e9 / length)].append(trace)
    share = max(most // PARTS, 1)
    kept: set[str] = set()
    for part in parts.values():
        slowest = max(part, key=lambda trace: trace.ms)
        others = sorted(part, key=lambda trace: trace.trace_id[-8:])
        kept |= {slowest.trace_id, *(trace.trace_id for trace in others[: share - 1])}
    return [trace for trace in found if trace.trace_id in kept]


@dataclass(slots=True)
class _Window:
    """One search's traces; `until` is when it was asked last, `whole` when all of it was, both in Unix seconds."""

    traces: dict[str, TraceSummary] = field(default_factory=dict)
    until: float = 0.0
    whole: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Windows:
    """Searches Jaeger for pages, many at once; safe for several threads."""

    def __init__(self, client: JaegerClient) -> None:
        self.client = client
        self._windows: OrderedDict[tuple[object, ...], _Window] = OrderedDict()
        self._lock = threading.Lock()

    def traces(self, form: SearchForm, services: Iterable[str], now: float) -> list[TraceSummary]:
        """The traces of the services that fit the form, up to KEPT, newest first. Raises JaegerError."""
        asked = tuple(services)
        first, last = form.period(now)
        window = self._window((asked, form.narrowing(), form.start or form.lookback, form.end))
        with window.lock:
            if not 0 <= now - window.until < FRESH:
                self._refresh(window, form, asked, now)
            return sorted(
                (trace for trace in window.traces.values() if first <= trace.start / 1e9 <= last),
                key=lambda trace: trace.start,
                reverse=True,
            )

    def _window(self, key: tuple[object, ...]) -> _Window:
        with self._lock:
            window = self._windows.setdefault(key, _Window())
            self._windows.move_to_end(key)
            while len(self._windows) > WINDOWS:
                self._windows.popitem(last=False)
            return window

    def _refresh(self, window: _Window, form: SearchForm, services: tuple[str, ...], now: float) -> None:
        first, last = form.period(now)
        whole = not 0 <= now - window.whole < WHOLE
        if whole:
            # What was dropped by Jaeger is gone with the next whole search.
            found = {trace.trace_id: trace for service in services for trace in self._all(service, form, first, last)}
        else:
            # A trace grows until it is settled: what began shortly before the last search is asked for again.
            open_ones = [trace.start / 1e9 for trace in window.traces.values() if under_way(trace, now)]
            since = max(min([window.until - SETTLED, *open_ones]), first)
            # A period that is over has nothing new to ask for, and Jaeger refuses one that ends before it begins.
            asked = services if since < last else ()
            new = {t.trace_id: t for service in asked for t in self._search(service, form, since, last)}
            found = window.traces | new
        found = {key: trace for key, trace in found.items() if trace.start / 1e9 >= first}
        if len(found) > KEPT:
            found = {trace.trace_id: trace for trace in thinned(found.values(), KEPT // 2)}
        window.traces, window.until = found, now
        window.whole = now if whole else window.whole

    def _all(self, service: str, form: SearchForm, first: float, last: float) -> list[TraceSummary]:
        """The whole window: by one search where that finds all, else an equal part of each slice as well."""
        newest = self._search(service, form, first, last)
        if len(newest) < self.client.most_at_once:
            return newest
        oldest = min(trace.start for trace in newest) / 1e9
        width = (oldest - first) / SLICES
        for number in range(SLICES if width > 0 else 0):
            begin = first + number * width
            limit = self.client.most_at_once // SLICES
            newest += self._search(service, form, begin, begin + width, limit)
        return newest

    def _search(self, service: str, form: SearchForm, start: float, end: float, limit: int = 0) -> list[TraceSummary]:
        return self.client.search(
            service,
            form.operation or None if form.service == service else None,
            start=start,
            end=end,
            limit=limit or self.client.most_at_once,
            min_ms=form.shortest(),
            max_ms=form.longest(),
            attributes=form.wanted_attributes() or None,
        )
