"""Searches that are kept: what Jaeger is asked, and what a window holds."""

import threading
from typing import Any

import pytest

from tests.unit.console.conftest import FakeJaeger
from tests.unit.console.console_traces import checkout
from workshop.console.search.form import SearchForm
from workshop.console.search.window import FRESH, WHOLE, Windows, thinned
from workshop.traces.sources.summaries import TraceSummary, under_way

NOW = 1_795_449_600.0
FORM = SearchForm(service="gateway", operation="POST /checkout")


def summary(number: int, at: float, ms: float = 60.0, **changes: Any) -> TraceSummary:
    """A checkout's summary; `at` is in Unix seconds."""
    start = int(at * 1e9)
    fields = {
        "trace_id": f"{number * 2_654_435_761 % 2**32:032x}",
        "root_service": "gateway",
        "root_name": "POST /checkout",
        "start": start,
        "end": start + int(ms * 1e6),
        "span_count": 15,
        "error_count": 0,
        "orphan_count": 0,
        "services": {"gateway": 2},
    }
    return TraceSummary(**{**fields, **changes})


class Many(FakeJaeger):
    """A Jaeger with so many summaries that one search cannot give all."""

    def __init__(self, summaries: list[TraceSummary]) -> None:
        super().__init__()
        self.summaries = summaries

    def search(self, service: str, operation: str | None = None, **how: Any) -> list[TraceSummary]:
        """The newest of the period."""
        self.asked.append(how)
        fit = [each for each in self.summaries if how["start"] <= each.start / 1e9 <= how["end"]]
        return sorted(fit, key=lambda each: each.start, reverse=True)[: how["limit"]]


def test_many_pages_cost_one_search() -> None:
    """Sixty browsers that look live at the same list are one search a second for Jaeger."""
    jaeger = Many([summary(n, NOW - n) for n in range(50)])
    windows = Windows(jaeger)
    threads = [threading.Thread(target=windows.traces, args=(FORM, ["gateway"], NOW)) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jaeger.asked) == 1
    assert len(windows.traces(FORM, ["gateway"], NOW + FRESH / 2)) == 50
    assert len(jaeger.asked) == 1


def test_the_next_search_asks_for_what_is_new_only() -> None:
    """And for what was begun shortly before, since a trace grows until it is settled."""
    jaeger = Many([summary(n, NOW - 10 * n) for n in range(100)])
    windows = Windows(jaeger)
    assert len(windows.traces(FORM, ["gateway"], NOW)) == 100
    jaeger.summaries = [summary(1_000, NOW + 1), *jaeger.summaries]
    assert len(windows.traces(FORM, ["gateway"], NOW + 2)) == 101
    assert jaeger.asked[-1]["start"] == pytest.approx(NOW - 10)


def test_a_period_that_is_over_is_not_asked_for_backwards() -> None:
    """Looked at again after some seconds, as Live does: its traces are there, and Jaeger is not asked for nonsense."""
    jaeger = Many([summary(n, NOW - 100 - n) for n in range(20)])
    windows, form = Windows(jaeger), SearchForm(service="gateway", start=(NOW - 200) * 1000, end=(NOW - 90) * 1000)
    for later in (0, 5, 30):
        assert len(windows.traces(form, ["gateway"], NOW + later)) == 20
    assert all(how["start"] < how["end"] for how in jaeger.asked)


def test_a_trace_under_way_is_asked_for_until_it_is_whole() -> None:
    """A slow checkout's first spans come seconds before its root."""
    open_one = summary(1, NOW - 4, 3_000, root_name="", root_service="", orphan_count=1)
    jaeger = Many([open_one])
    windows = Windows(jaeger)
    (found,) = windows.traces(FORM, ["gateway"], NOW)
    assert under_way(found, NOW) and not under_way(found, NOW + 60)
    jaeger.summaries = [summary(1, NOW - 4, 5_000)]
    (found,) = windows.traces(FORM, ["gateway"], NOW + 2)
    assert not under_way(found, NOW + 2)
    assert found.ms == 5_000


def test_what_was_before_the_crowd_stays_in_the_window() -> None:
    """Two hundred traces a second after a change do not push those before it out."""
    before = [summary(n, NOW - 600 + n, 800) for n in range(300)]
    after = [summary(1_000 + n, NOW - 200 + n / 200, 60) for n in range(40_000)]
    windows = Windows(Many(before + after))
    form = SearchForm(service="gateway", lookback="15m")
    found = windows.traces(form, ["gateway"], NOW)
    assert len([trace for trace in found if trace.ms == 800]) >= 100
    drawn = thinned(found, 800)
    assert len(drawn) <= 900
    assert len([trace for trace in drawn if trace.ms == 800]) >= 100


def test_thinning_keeps_the_slowest_and_chooses_the_same_again() -> None:
    """An outlier is never lost, and a live plot does not flicker."""
    traces = [summary(n, NOW - 300 + n / 10) for n in range(3_000)]
    traces[1_234] = summary(1_234, NOW - 300 + 123.4, 5_000)
    first = thinned(traces, 300)
    assert traces[1_234] in first
    assert 150 <= len(first) <= 320
    later = thinned([*traces[20:], summary(9_999, NOW + 1)], 300)
    old = {trace.trace_id for trace in first if NOW - 290 <= trace.start / 1e9 <= NOW - 10}
    assert len(old & {trace.trace_id for trace in later}) >= 0.9 * len(old)


@pytest.mark.parametrize("seconds", [0.001, 2, 40, 300, 86_400])
def test_a_burst_is_drawn_with_enough_of_its_traces(seconds: float) -> None:
    """Whether they came within a second or a day: at least half of what may be drawn is drawn."""
    traces = [summary(n, NOW - seconds * n / 2_000) for n in range(2_000)]
    assert 400 <= len(thinned(traces, 800)) <= 900


def test_what_jaeger_dropped_leaves_the_window() -> None:
    """A dot must not lead to a trace that is no longer there for ever."""
    jaeger = Many([summary(n, NOW - n) for n in range(10)])
    windows = Windows(jaeger)
    windows.traces(FORM, ["gateway"], NOW)
    jaeger.summaries = jaeger.summaries[:5]
    assert len(windows.traces(FORM, ["gateway"], NOW + WHOLE)) == 5


def test_searches_that_differ_are_kept_apart(jaeger: FakeJaeger) -> None:
    """Another duration, another service, another time: none may answer for the other."""
    jaeger.add(checkout("e" * 32, int(NOW * 1e9) - 10**10, 400))
    windows = Windows(jaeger)
    assert len(windows.traces(FORM, ["gateway"], NOW)) == 1
    assert windows.traces(SearchForm(service="gateway", min="2s"), ["gateway"], NOW) == []
    earlier = SearchForm(service="gateway", start=(NOW - 100) * 1000, end=(NOW - 50) * 1000)
    assert windows.traces(earlier, ["gateway"], NOW) == []
