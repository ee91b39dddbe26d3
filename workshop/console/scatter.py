"""The scatter plot of a search: one dot a trace, when it began and how long it took, as coordinates for an SVG."""

import math
from dataclasses import dataclass

from workshop.console.search import Found
from workshop.traces.sources.summaries import TraceSummary

WIDTH, HEIGHT = 1200, 300
LEFT, RIGHT, TOP, BOTTOM = 110, 40, 20, 44  # room for the axes' labels
# Seconds between two times on the axis.
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)


@dataclass(slots=True)
class Dot:
    """A trace in the plot; `group` is the number of its colour."""

    trace: TraceSummary
    x: float
    y: float
    group: int


@dataclass(slots=True)
class Tick:
    """A line of an axis: where it is, and its value (ms, or Unix ms on the axis of time)."""

    at: float
    value: float


@dataclass(slots=True)
class Scatter:
    """The plot; coordinates are those of a WIDTH by HEIGHT picture."""

    dots: list[Dot]
    durations: list[Tick]
    times: list[Tick]


def scatter(found: Found) -> Scatter:
    """Lays the plot out, the slowest trace on top; an empty search gives an empty plot."""
    if not found.traces:
        return Scatter([], [], [])
    step = _round_step(max(trace.ms for trace in found.traces) / 3)
    top = step * max(1, math.ceil(max(trace.ms for trace in found.traces) / step))
    first, last = min(t.start for t in found.traces), max(t.start for t in found.traces)
    span = max(last - first, 1)

    def x(start: int) -> float:
        return round(LEFT + 20 + (start - first) / span * (WIDTH - LEFT - RIGHT - 40), 1) if last > first else WIDTH / 2

    def y(ms: float) -> float:
        return round(HEIGHT - BOTTOM - ms / top * (HEIGHT - TOP - BOTTOM), 1)

    # The slow ones are drawn last: on top of the many.
    traces = sorted(found.traces, key=lambda trace: trace.ms)
    number = {(group.service, group.name): group.number for group in found.groups}
    dots = [Dot(t, x(t.start), y(t.ms), number[t.root_service, t.root_name]) for t in traces]
    durations = [Tick(y(step * i), step * i) for i in range(round(top / step) + 1)]
    return Scatter(dots, durations, [Tick(x(moment), moment / 1e6) for moment in _round_times(first, last)])


def _round_times(first: int, last: int) -> list[int]:
    """Six round times of day between two times at most, all in Unix ns; the first one when there is none."""
    seconds = (last - first) / 1e9
    step = next((step for step in _TIME_STEPS if seconds / step <= 5), math.ceil(seconds / 5)) * 1_000_000_000
    return list(range(-(-first // step) * step, last + 1, step)) or [first]


def _round_step(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= value * 0.999)
