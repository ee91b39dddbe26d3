"""The neighbours in what was really recorded: of each fault with a wait, of the others, and of the healthy system."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from workshop.scenarios import recording
from workshop.traces.model.trace import Span, Trace
from workshop.traces.neighbours.model import Wait
from workshop.traces.neighbours.neighbours import Population
from workshop.traces.time.self_time import gaps

RECORDINGS = recording.paths()
# By scenario: what is waited for, and whether it is a trace that holds it.
EXPECTED = {
    "blocking-migration": ("lock", False),
    "connection-held": ("pool", True),
    "deadlock": ("lock", True),
    "pool-too-small": ("pool", True),
    "row-lock": ("lock", False),
    "slow-consumer": ("queue", True),
    "starved-cpu": ("process", False),
}
HANDED_OVER_MS = 60.0


@cache
def traces(name: str) -> dict[str, Trace]:
    """The traces of a recording by id."""
    return {trace.trace_id: trace for trace in recording.load(RECORDINGS[name]).traces}


@cache
def waits(name: str) -> list[tuple[Trace, Wait]]:
    """Every wait that is told in a recording, with its trace."""
    population = Population(list(traces(name).values()))
    return [(trace, wait) for trace in traces(name).values() for wait in population.of(trace).waits]


def above(name: str, span: Span) -> Span:
    """The server span that a statement belongs to."""
    found = traces(name)[span.trace_id].parent(span)
    assert found is not None
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_a_wait_is_told_for_what_it_is(name: str) -> None:
    """Every wait of a scenario is of its kind, and has a holder where one sends traces, and evidence always."""
    kind, held = EXPECTED[name]
    assert waits(name)
    assert {wait.kind for _, wait in waits(name)} == {kind}
    assert {bool(wait.holders) for _, wait in waits(name)} == {held}
    assert all(wait.evidence and wait.title and wait.verdict for _, wait in waits(name))
    assert all(holder.span.trace_id != trace.trace_id for trace, wait in waits(name) for holder in wait.holders)


@pytest.mark.parametrize("name", [name for name in RECORDINGS if name not in EXPECTED])
def test_where_nobody_waits_for_another_nobody_is_named(name: str) -> None:
    """At rest, under load, and with faults that are a trace's own: no neighbour."""
    assert [wait.title for _, wait in waits(name)] == []


@pytest.mark.parametrize("name", ["deadlock", "row-lock", "blocking-migration"])
def test_most_of_those_who_waited_for_a_lock_are_told(name: str) -> None:
    """Of the statements on product that took half a second, nine of ten are waits."""
    long = [s for t in traces(name).values() for s in t.spans if s.name.startswith("SELECT product") and s.ms >= 500]
    told = {wait.span.span_id for _, wait in waits(name)}
    assert len([span for span in long if span.span_id in told]) >= 0.9 * len(long) > 0


def test_who_held_the_rows_in_a_deadlock_had_locked_some() -> None:
    """Each holder had a lock of product's rows before the wait ended, in a reservation still open while it waited."""
    for _, wait in waits("deadlock"):
        first = wait.holders[0].span
        assert first.name.startswith("SELECT product")
        assert not first.is_error
        assert first.end < wait.end
        assert above("deadlock", first).end > wait.start


def test_a_deadlock_goes_on_as_its_other_half_lets_go() -> None:
    """Most waits end within some ms of the end of a statement, or a reservation, of a trace that is named."""
    met = 0
    for _, wait in waits("deadlock"):
        ends = [
            span.end
            for holder in wait.holders
            for span in traces("deadlock")[holder.span.trace_id].spans
            if span.service == "inventory"
        ]
        met += any(abs(end - wait.end) / 1e6 <= HANDED_OVER_MS for end in ends)
    assert met >= 0.8 * len(waits("deadlock"))


@pytest.mark.parametrize("name", ["pool-too-small", "connection-held"])
def test_a_connection_is_handed_on_by_the_trace_that_is_named(name: str) -> None:
    """For most waits one trace let go last: a span of its request ended just before the wait did."""
    last = [(wait, holder) for _, wait in waits(name) for holder in wait.holders if holder.let_go]
    assert len(last) >= 0.8 * len(waits(name))
    for wait, holder in last:
        spans = traces(name)[holder.span.trace_id].spans
        ends = [span.end for span in spans if span.service == wait.span.service]
        assert any(-1 <= (wait.end - end) / 1e6 <= HANDED_OVER_MS for end in ends)
        assert holder.span.start < wait.end


def test_the_pools_size_is_told_as_it_was() -> None:
    """One connection in the one scenario, the eight of the setting's default in the other."""
    assert all("more than 1 request" in wait.evidence[0] for _, wait in waits("pool-too-small"))
    assert all("more than 8 requests" in wait.evidence[0] for _, wait in waits("connection-held"))


def test_in_front_of_a_message_is_the_one_before_it() -> None:
    """Of a slow consumer: the nearest one in front is the message that it took just before."""
    taken = sorted(
        (s for t in traces("slow-consumer").values() for s in t.spans if s.kind == "consumer"), key=lambda s: s.start
    )
    before = {later.start: earlier for earlier, later in pairwise(taken)}
    over = [wait for _, wait in waits("slow-consumer") if wait.end in before]
    assert len(over) >= 10
    for wait in over:
        assert wait.holders[0].span is before[wait.end]
        assert wait.holders[0].sent_by == before[wait.end].links[0].trace_id


def test_a_message_that_nobody_took_yet_waits_all_the_same() -> None:
    """Nearly every checkout of a slow consumer waits, taken or not: the last one in front is the last one taken."""
    sent = [t for t in traces("slow-consumer").values() if any(s.kind == "producer" for s in t.spans)]
    told = {trace.trace_id for trace, _ in waits("slow-consumer")}
    assert sum(trace.trace_id in told for trace in sent) >= 0.7 * len(sent)
    still = [wait for _, wait in waits("slow-consumer") if "not taken" in wait.evidence[0]]
    last = max(
        (s for t in traces("slow-consumer").values() for s in t.spans if s.kind == "consumer"), key=lambda s: s.end
    )
    assert still and all(wait.holders[0].span is last for wait in still)


def test_a_job_without_traces_is_told_from_its_evidence() -> None:
    """Rows that a stocktake holds, and a table that a migration holds: reads go on, or they do not."""
    rows = [line for _, wait in waits("row-lock") for line in wait.evidence]
    table = [line for _, wait in waits("blocking-migration") for line in wait.evidence]
    assert any("rows were locked, not the table" in line for line in rows)
    assert not any("whole table was locked" in line for line in rows)
    assert any("whole table was locked" in line for line in table)
    assert not any("rows were locked" in line for line in table)
    assert all("sends no traces" in wait.verdict for _, wait in waits("row-lock"))


def test_a_busy_process_is_held_by_those_whose_code_ran() -> None:
    """Own code under load, recorded: whoever could not go on names others with a gap of their own."""
    every = recording.load(Path(__file__).with_name("busy_process.json.gz")).traces
    population, by_id = Population(every), {trace.trace_id: trace for trace in every}
    told = [(trace, wait) for trace in every for wait in population.of(trace).waits]
    assert len(told) >= 10
    for trace, wait in told:
        assert wait.kind == "process"
        assert wait.holders
        for holder in wait.holders:
            assert holder.span.trace_id != trace.trace_id
            theirs = by_id[holder.span.trace_id]
            assert max(gap.ms for gap in gaps(theirs, holder.span)) >= holder.ns / 1e6 - 1
