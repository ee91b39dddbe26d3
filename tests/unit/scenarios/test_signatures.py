"""Signatures and what they stand on: what is too little is said, what only looks like it is left out."""

import json
from typing import Any

import pytest

from workshop.scenarios import catalogue, plans, recording
from workshop.scenarios.model import Population

RECORDINGS = recording.paths()
WHOLE = "->  Seq Scan on stock_movement"
WRONG = f"{WHOLE}  (cost=0.00..88.85 rows=3500000 width=14) (actual time=1.0..3.6 rows=2402.00 loops=1)"
RIGHT = WRONG.replace("rows=3500000", "rows=2391")
STRAIGHT = RIGHT.replace("Seq Scan", "Bitmap Heap Scan")
ABOVE = "GroupAggregate  (cost=1..2 rows=9 width=1) (actual time=1..2 rows=3 loops=1)"


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ([WRONG], plans.Scan(True, 3_500_000, 2402)),
        ([ABOVE, RIGHT], plans.Scan(True, 2391, 2402)),
        ([STRAIGHT], plans.Scan(False, 2391, 2402)),
        (["Seq Scan on orders  (cost=1..2 rows=9 width=1) (actual time=1..2 rows=3 loops=1)"], None),
        ([], None),
    ],
)
def test_a_plan_is_read(plan: list[str], expected: plans.Scan | None) -> None:
    """With decimals as PostgreSQL 18 writes them, and only for the ledger."""
    assert plans.scan(plan) == expected


@pytest.mark.parametrize(
    ("name", "plan", "told"),
    [
        ("missing-index", [WRONG], "statistics are wrong"),
        ("missing-index", [STRAIGHT], "does not read the whole table"),
        ("stale-statistics", [RIGHT], "estimate is right"),
        ("stale-statistics", [], "does not read the whole table"),
    ],
)
def test_the_same_traces_are_told_apart_by_the_plan(name: str, plan: list[str], told: str) -> None:
    """Missing index and stale statistics make the same trace; without its plan neither is believed."""
    population = recording.load(RECORDINGS[name])
    assert catalogue.named(name).signature(population)
    proof = catalogue.named(name).signature(Population(population.traces, plan))
    assert not proof
    assert told in proof.words


@pytest.mark.parametrize("name", catalogue.every())
def test_one_trace_alone_proves_nothing(name: str) -> None:
    """It can be suspected of much; a signature asks for a population."""
    population = recording.load(RECORDINGS[name])
    for trace in population.traces:
        proof = catalogue.named(name).signature(Population([trace], population.plan))
        assert not proof, f"{trace.trace_id}: {proof.words}"


def test_a_recording_loses_what_tells_of_its_machine() -> None:
    """The host, the process, the paths of a stack trace; not the service, nor its version."""
    keys = ("service.name", "service.version", "host.name", "process.command_args", "os.type")
    event = {"attributes": [{"key": "exception.stacktrace"}]}
    span = {"attributes": [{"key": "code.file.path"}], "events": [event]}
    resource = {"attributes": [{"key": key, "value": {"stringValue": "x"}} for key in keys]}
    group = {"resource": resource, "scopeSpans": [{"spans": [span]}]}
    (clean,) = recording.scrubbed([group])
    assert [each["key"] for each in clean["resource"]["attributes"]] == ["service.name", "service.version"]
    assert "code." not in json.dumps(clean)
    assert "stacktrace" not in json.dumps(clean)


def test_a_recording_is_the_same_spans_in_another_order() -> None:
    """Those of one process and library lie together, whatever sending they came with."""

    def group(service: str, library: str, *spans: tuple[str, int]) -> dict[str, Any]:
        found = [{"name": name, "startTimeUnixNano": str(start)} for name, start in spans]
        return {"resource": {"attributes": [service]}, "scopeSpans": [{"scope": {"name": library}, "spans": found}]}

    sent = [
        group("order", "flask", ("b", 2), ("a", 30)),
        group("payment", "flask", ("a", 1)),
        group("order", "flask", ("a", 4)),
        group("order", "psycopg", ("c", 3)),
    ]
    assert recording.merged(sent) == [
        group("order", "flask", ("a", 4), ("a", 30), ("b", 2)),
        group("order", "psycopg", ("c", 3)),
        group("payment", "flask", ("a", 1)),
    ]


def test_where_statements_elsewhere_wait_too_no_table_is_locked() -> None:
    """A process that is frozen now and then waits in all of its statements, if not in most: no migration's doing."""
    signature = catalogue.named("blocking-migration").signature
    locked = recording.load(RECORDINGS["blocking-migration"]).traces
    frozen = recording.load(RECORDINGS["starved-cpu"]).traces
    assert signature(Population(locked)).spans
    also = [each for each in frozen if any(s.name == "SELECT stock_movement" and s.ms >= 150 for s in each.spans)][:5]
    proof = signature(Population([*locked, *also]))
    assert not proof.spans
    assert "on another table wait, too" in proof.words
