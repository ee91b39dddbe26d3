"""A console whose Jaeger is in the test's own memory."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.unit.console.console_traces import checkout
from workshop.console.app import create_app
from workshop.console.settings import Settings
from workshop.traces.model.trace import Trace
from workshop.traces.sources import ids
from workshop.traces.sources.files import traces_of
from workshop.traces.sources.jaeger import JaegerClient, JaegerError, TraceNotFound
from workshop.traces.sources.summaries import Dependency, Operation, TraceSummary, summarise

SLOW, FAST = "a" * 32, "b" * 32
START = (time.time_ns() // 10**9 - 120) * 10**9  # two minutes ago


class FakeJaeger(JaegerClient):
    """Answers from the documents it was given; `failure` is raised instead when it is set.

    `asked` has the searches for pages; those that only look which kinds of traces there are ask for no duration.
    """

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.traces: dict[str, Trace] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.failure: JaegerError | None = None
        self.asked: list[dict[str, Any]] = []

    def add(self, document: dict[str, Any]) -> None:
        """Keep the document's traces."""
        self.traces |= {trace.trace_id: trace for trace in traces_of(document)}

    def _check(self) -> None:
        if self.failure:
            raise self.failure

    def services(self) -> list[str]:
        """Every span's service."""
        self._check()
        return sorted({name for trace in self.traces.values() for name in trace.services})

    def operations(self, service: str) -> list[Operation]:
        """The service's span names."""
        spans = [span for trace in self.traces.values() for span in trace.spans if span.service == service]
        return [Operation(name, kind) for name, kind in sorted({(span.name, span.kind) for span in spans})]

    def search(self, service: str, operation: str | None = None, **how: Any) -> list[TraceSummary]:
        """The traces with the service in them; what else was asked for is noted."""
        self._check()
        if "min_ms" in how:
            self.asked.append({"service": service, "operation": operation, **how})
        first, last = (how.get("start") or 0) * 1e9, (how.get("end") or 1e10) * 1e9
        found = [
            summarise(trace)
            for trace in self.traces.values()
            if any(span.service == service and operation in (None, span.name) for span in trace.spans)
        ]
        fit = [s for s in found if first <= s.start <= last and s.ms >= (how.get("min_ms") or 0)]
        return sorted(fit, key=lambda summary: summary.start, reverse=True)[: how.get("limit", 20)]

    def get_trace(self, trace_id: str) -> Trace:
        """The trace with the id."""
        self._check()
        normal = ids.trace_id(trace_id)
        if normal not in self.traces:
            raise TraceNotFound(f"Jaeger has no trace {normal}")
        return self.traces[normal]

    def _document(self, path: str, trace_id: str) -> Any:
        """The document that was kept under the id, whatever format is asked for."""
        if trace_id not in self.documents:
            raise TraceNotFound(f"Jaeger has no trace {trace_id}")
        return {"result": self.documents[trace_id]}

    def dependencies(self, end: float | None = None, lookback: float = 0) -> list[Dependency]:
        """One edge that is in the traces, one that is not."""
        return [Dependency("gateway", "order", 42), Dependency("gateway", "mailer", 7), Dependency("order", "order", 9)]


@pytest.fixture
def jaeger() -> FakeJaeger:
    """A Jaeger with a slow checkout and a fast one."""
    fake = FakeJaeger()
    fake.add(checkout(SLOW, START, 812))
    fake.add(checkout(FAST, START + 2_000_000_000, 1))
    return fake


@pytest.fixture
def app(jaeger: FakeJaeger) -> Flask:
    """The console."""
    application = create_app(Settings(), jaeger)
    application.testing = True
    return application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Asks the console."""
    return app.test_client()


@pytest.fixture
def text_of(client: FlaskClient) -> Callable[..., str]:
    """The page at a path, which must answer with the status."""

    def get(path: str, status: int = 200) -> str:
        answer = client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    return get
