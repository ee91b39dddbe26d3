"""`spans neighbours`: of recordings, of a Jaeger, and of PostgreSQL now."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import neighbours
from workshop.scenarios import recording
from workshop.shop import history
from workshop.traces.model.trace import Trace
from workshop.traces.neighbours.neighbours import Population
from workshop.traces.sources import blocking
from workshop.traces.sources.jaeger import JaegerClient, TraceNotFound
from workshop.traces.sources.summaries import Operation, TraceSummary, summarise

RECORDINGS = recording.paths()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was bought here, and no setting comes from outside."""
    monkeypatch.setattr(history, "entries", lambda: [])
    monkeypatch.delenv("JAEGER_URL", raising=False)
    monkeypatch.delenv("SPANS_DATABASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "160")


def run(*arguments: str, code: int = 0) -> Any:
    """Runs the command and checks its exit code."""
    result = CliRunner().invoke(app, ["neighbours", *arguments])
    assert result.exit_code == code, result.output
    return result


def among(name: str, *arguments: str) -> str:
    """What it prints of a recording."""
    return str(run("--among", str(RECORDINGS[name]), *arguments).stdout)


def deadlocked() -> Trace:
    """The trace of a deadlock that took longest."""
    return max(recording.load(RECORDINGS["deadlock"]).traces, key=lambda trace: trace.root.duration)


def test_the_holders_are_named_with_what_speaks_for_them() -> None:
    """Of the longest trace where none is given, and of one by the beginning of its id; short, and whole with --full."""
    trace_id = deadlocked().trace_id
    text = among("deadlock")
    assert f"trace {trace_id}" in text
    assert "9 waits for what others held, among 20 other traces" in text
    assert "likely held by" in text and ", let go last" in text
    assert "4 shorter waits more" in text
    assert among("deadlock", trace_id[:6]) == text
    assert "9. " in among("deadlock", "--full") and "shorter" not in among("deadlock", "--full")


def test_it_is_had_as_data() -> None:
    """The same as JSON, every wait and every holder."""
    found = json.loads(among("deadlock", "--json"))
    assert found["trace_id"] == deadlocked().trace_id
    assert len(found["waits"]) == 9
    first = found["waits"][0]
    assert (first["kind"], first["service"], first["verdict"]) == ("lock", "inventory", "likely held by")
    assert first["ms"] > first["holders"][0]["ms"] - 1 > 0
    assert {len(holder["trace_id"]) for wait in found["waits"] for holder in wait["holders"]} == {32}


def test_a_holder_without_traces_is_said_to_be_one() -> None:
    """The stocktake sends none: the evidence, and who can tell while it lasts."""
    text = among("row-lock")
    assert "held by something that sends no traces" in text
    assert "no trace had a transaction on product open" in text
    assert "spans neighbours --now" in text


def test_where_nothing_was_waited_for_it_says_so() -> None:
    """The healthy system: one sentence."""
    assert "it waited for nothing that another trace held" in among("healthy: load")


def test_an_id_that_fits_several_is_refused() -> None:
    """And one that is no id, with a sentence each and no traceback."""
    ids = [trace.trace_id for trace in recording.load(RECORDINGS["healthy: load"]).traces]
    first = next(each for each in "0123456789abcdef" if sum(one.startswith(each) for one in ids) > 1)
    result = run("--among", str(RECORDINGS["healthy: load"]), first, code=1)
    assert f"of the traces given begin with {first}" in result.output
    assert "no such file" in run("--among", "nowhere/at/all.json", code=1).output.lower()
    assert "give no trace with it" in run("--now", "abc", code=2).output


class Jaeger(JaegerClient):
    """Answers from a recording."""

    def __init__(self, traces: list[Trace]) -> None:
        super().__init__("http://127.0.0.1:1")
        self.traces = {each.trace_id: each for each in traces}
        self.fetched = 0

    def services(self) -> list[str]:
        """Every service of it."""
        return sorted({service for trace in self.traces.values() for service in trace.services})

    def operations(self, service: str) -> list[Operation]:
        """Its spans' names and kinds."""
        spans = [span for trace in self.traces.values() for span in trace.spans if span.service == service]
        return sorted({Operation(span.name, span.kind) for span in spans}, key=lambda each: (each.name, each.kind))

    def search(self, service: str, operation: str | None = None, **how: Any) -> list[TraceSummary]:
        """The newest of the period; a period that ends before it begins is refused, as Jaeger does."""
        assert how["start"] < how["end"]
        found = [
            summarise(trace)
            for trace in self.traces.values()
            if service in trace.services
            and how["start"] <= trace.start / 1e9 <= how["end"]
            and (operation is None or any(span.name == operation for span in trace.spans))
        ]
        return sorted(found, key=lambda each: -each.start)[: how["limit"]]

    def get_trace(self, trace_id: str) -> Trace:
        """The trace, counted."""
        self.fetched += 1
        if trace_id not in self.traces:
            raise TraceNotFound(f"Jaeger has no trace {trace_id}")
        return self.traces[trace_id]


@pytest.mark.parametrize("name", ["deadlock", "pool-too-small", "connection-held", "slow-consumer", "row-lock"])
def test_the_traces_of_the_same_moments_come_from_jaeger(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of a trace with all of a recording is told of it from what is searched around it."""
    traces = list(recording.load(RECORDINGS[name]).traces)
    waiting = [each for each in traces if Population(traces).of(each).waits][:6]
    wanted = [json.loads(among(name, trace.trace_id, "--json")) for trace in waiting]
    assert wanted
    client = Jaeger(traces)
    monkeypatch.setattr("workshop.commands.traces.connect", lambda _: client)
    monkeypatch.setattr(neighbours, "connect", lambda _: client)
    for each in wanted:
        client.fetched = 0
        found = json.loads(run(each["trace_id"], "--json").stdout)
        assert found["waits"] and {wait["kind"] for wait in found["waits"]} == {wait["kind"] for wait in each["waits"]}
        assert client.fetched <= 200
    missing = run("f" * 32, code=1)
    assert "has no trace" in missing.output


def test_postgresql_is_asked_who_blocks_whom_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that waits with whom it waits for; nobody, and a database that is away, are said in a sentence."""
    row = blocking.Blocked(
        12, 34, "", 1500.0, "SELECT sku FROM product FOR UPDATE", "stocktake", "active", 4000.0, "SELECT 1"
    )
    monkeypatch.setattr(blocking, "blocked_now", lambda _: [row])
    text = run("--now", "--database", "postgresql://nowhere").stdout
    assert "pid 12 (without a name) has waited 1.50 s" in text
    assert "for pid 34 (stocktake), active, its transaction open for 4.00 s" in text
    assert json.loads(run("--now", "--json", "--database", "x").stdout)[0]["holder_application"] == "stocktake"
    monkeypatch.setattr(blocking, "blocked_now", lambda _: [])
    assert "nobody waits for a lock" in run("--now", "--database", "x").stdout
    monkeypatch.undo()
    away = run("--now", "--database", "postgresql://127.0.0.1:1/none", code=1)
    assert "PostgreSQL does not tell who waits for whom" in away.output
