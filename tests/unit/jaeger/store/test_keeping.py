"""The traces over a restart: what is written is what is read, and a broken file costs nothing but its end."""

import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.jaeger.query.v3 import trace_json
from services.jaeger.store import keeping
from services.jaeger.store.store import Store
from tests.unit.jaeger.otlp_strategies import requests


def filled(*batches: ExportTraceServiceRequest) -> Store:
    """A store that has taken the batches in."""
    store = Store(1000, 2**24)
    for batch in batches:
        store.add(batch)
    return store


def told(store: Store) -> list[str]:
    """All that the API says of every trace, in order."""
    snapshots = [store.snapshot(trace_id) for trace_id in store.traces]
    return [trace_json([snapshot]) for snapshot in snapshots if snapshot]


def batch(*traces: bytes) -> ExportTraceServiceRequest:
    """A span of each of two services in each trace."""
    request = ExportTraceServiceRequest()
    for number, name in enumerate((b"gateway", b"order", b"gateway"), 1):
        spans = request.resource_spans.add(schema_url="https://example.org/1")
        spans.resource.attributes.add(key="service.name").value.string_value = name.decode()
        scope = spans.scope_spans.add(schema_url="https://example.org/2")
        scope.scope.name = "flask"
        for trace_id in traces:
            scope.spans.add(trace_id=trace_id, span_id=bytes([number] * 8), name="GET /", end_time_unix_nano=number)
    return request


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(requests())
def test_what_is_kept_is_what_is_there_again(tmp_path: Path, request: ExportTraceServiceRequest) -> None:
    """Every span with its resource, scope and schemas, the traces in their order."""
    before, after = filled(request), Store(1000, 2**24)
    keeping.keep(before, tmp_path / "traces.otlp")
    keeping.restore(after, tmp_path / "traces.otlp")
    assert told(after) == told(before)
    assert after.status()["spans"] == before.status()["spans"]


def test_a_file_that_ends_in_the_middle_is_read_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk or a copy may have cut it; that is told, and nothing else happens."""
    path = tmp_path / "traces.otlp"
    keeping.keep(filled(batch(b"1" * 16, b"2" * 16)), path)
    path.write_bytes(path.read_bytes()[:-3])
    store = Store(10, 2**20)
    with caplog.at_level(logging.WARNING):
        keeping.restore(store, path)
    assert list(store.traces) == [b"1" * 16]
    assert "could not be read whole" in caplog.text


@pytest.mark.parametrize("content", [b"x", b"\xff" * 100, b"\x04\x00\x00\x00abcd"])
def test_what_is_no_such_file_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    """The stand-in starts all the same."""
    path = tmp_path / "traces.otlp"
    path.write_bytes(content)
    store = Store(10, 2**20)
    keeping.restore(store, path)
    assert not store.traces
    assert "could not be read whole" in caplog.text


def test_without_a_file_nothing_is_there(tmp_path: Path) -> None:
    """As at the first start."""
    store = Store(10, 2**20)
    keeping.restore(store, tmp_path / "none")
    assert not store.traces


def test_more_than_the_bounds_allow_is_not_taken_in(tmp_path: Path) -> None:
    """The newest stay, as always."""
    path = tmp_path / "traces.otlp"
    keeping.keep(filled(batch(b"1" * 16, b"2" * 16, b"3" * 16)), path)
    store = Store(2, 2**20)
    keeping.restore(store, path)
    assert list(store.traces) == [b"2" * 16, b"3" * 16]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the middle of it takes nothing away."""
    path = tmp_path / "traces.otlp"
    keeping.keep(filled(batch(b"1" * 16)), path)
    before = path.read_bytes()

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeping, "_request", full)
    with pytest.raises(OSError, match="No space"):
        keeping.keep(filled(batch(b"2" * 16)), path)
    assert path.read_bytes() == before
