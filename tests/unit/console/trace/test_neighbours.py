"""What the trace page's panel is told: bounded, kept, and refused while others are looked for."""

import threading

import pytest
from flask.testing import FlaskClient

from tests.unit.console.conftest import SLOW, FakeJaeger
from workshop.console.trace import neighbours as panel
from workshop.console.trace.neighbours import Busy, NeighboursOfTraces
from workshop.scenarios import recording
from workshop.traces.model.trace import Trace
from workshop.traces.sources import summaries
from workshop.traces.sources.jaeger import JaegerError, TraceNotFound


class Counting(FakeJaeger):
    """Counts the traces that it gives."""

    fetched = 0

    def get_trace(self, trace_id: str) -> Trace:
        """The trace."""
        self.fetched += 1
        return super().get_trace(trace_id)


@pytest.fixture
def jaeger() -> Counting:
    """A Jaeger with the recording of a deadlock."""
    fake = Counting()
    fake.traces = {trace.trace_id: trace for trace in recording.load(recording.paths()["deadlock"]).traces}
    return fake


@pytest.fixture
def longest(jaeger: Counting) -> Trace:
    """The checkout that waited longest."""
    return max(jaeger.traces.values(), key=lambda trace: trace.root.duration)


def test_the_page_is_told_the_longest_waits(client: FlaskClient, longest: Trace) -> None:
    """With their holders; the rest is counted, and the id is taken in any spelling."""
    told = client.get(f"/trace/{longest.trace_id.upper()}/neighbours").json
    assert told is not None
    assert len(told["waits"]) == 8 and told["more"] == 1
    first = told["waits"][0]
    assert first["span"] in longest.by_id
    assert first["holders"][0]["trace"] != longest.trace_id
    assert first["holders"][0]["name"] == "inventory SELECT product"
    assert first["evidence"] and first["verdict"] == "likely held by"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("deadlock", "deadlock: inventory SELECT product was ended"),
        ("row-lock", "waiting for rows"),
        ("blocking-migration", "waiting for the whole table"),
        ("pool-too-small", "waiting for a connection"),
        ("healthy: load", None),
        ("missing-index", None),
    ],
)
def test_what_only_the_others_tell(name: str, told: str | None) -> None:
    """The cause that a trace alone does not show, and nothing where it shows it, or where nothing is wrong."""
    traces = recording.load(recording.paths()[name]).traces
    fake = FakeJaeger()
    fake.traces = {trace.trace_id: trace for trace in traces}
    meant = max(traces, key=lambda trace: trace.root.duration)
    among = NeighboursOfTraces(fake).of(meant.trace_id)["among"]
    assert [each["title"][: len(told or "")] for each in among] == ([told] if told else [])
    assert all(each["advice"] for each in among)


def test_what_is_over_is_looked_for_once(jaeger: Counting, longest: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as spans may come the answer is kept for seconds; of many the oldest is forgotten."""
    now = [longest.end / 1e9 + 1]
    monkeypatch.setattr(panel, "MOST_KEPT", 1)
    kept = NeighboursOfTraces(jaeger, lambda: now[0])
    kept.of(longest.trace_id)
    fetched = jaeger.fetched
    kept.of(longest.trace_id)
    assert jaeger.fetched == fetched > 1
    now[0] += max(panel.KEPT_SECONDS, summaries.SETTLED)
    first = kept.of(longest.trace_id)
    assert jaeger.fetched > fetched
    fetched = jaeger.fetched
    now[0] += 100_000
    assert kept.of(longest.trace_id) == first
    assert jaeger.fetched == fetched
    kept.of(next(each for each in jaeger.traces if each != longest.trace_id))
    fetched = jaeger.fetched
    kept.of(longest.trace_id)
    assert jaeger.fetched > fetched


def test_so_many_at_once_and_no_more(jaeger: Counting, longest: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """While others are looked for it is refused, not waited for; a look that fails gives its turn back."""
    monkeypatch.setattr(panel, "PATIENCE_SECONDS", 0.01)
    looking = NeighboursOfTraces(jaeger)
    inside, go_on = threading.Semaphore(0), threading.Event()

    def slow(trace_id: str) -> Trace:
        inside.release()
        assert go_on.wait(10)
        raise TraceNotFound(trace_id)

    monkeypatch.setattr(jaeger, "get_trace", slow)
    failed: list[JaegerError] = []

    def look(number: int) -> None:
        try:
            looking.of(f"{number:032x}")
        except JaegerError as error:
            failed.append(error)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(panel.AT_ONCE)]
    for each in threads:
        each.start()
    for _ in threads:
        assert inside.acquire(timeout=10)
    with pytest.raises(Busy):
        looking.of(longest.trace_id)
    go_on.set()
    for each in threads:
        each.join(10)
    monkeypatch.undo()
    assert len(failed) == panel.AT_ONCE
    assert looking.of(longest.trace_id)["waits"]


def test_a_busy_console_says_when_to_ask_again(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 with Retry-After; a trace that is not there and what is no id are told as on the page itself."""
    assert client.get(f"/trace/{'f' * 32}/neighbours").status_code == 404
    assert client.get("/trace/no-id/neighbours").status_code == 400

    def busy(self: NeighboursOfTraces, trace_id: str) -> None:
        raise Busy

    monkeypatch.setattr(NeighboursOfTraces, "of", busy)
    answer = client.get(f"/trace/{SLOW}/neighbours")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
