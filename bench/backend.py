"""How fast and how small the stand-in trace backend is: ingest, memory, and the queries that a person waits for.

    python -m bench.backend [--traces 20000] [--repeat 5] [--json]

Starts `services.jaeger` on free ports, posts checkouts to it in batches of 480 spans over one connection, and asks.
Ingest is told in spans per CPU second of the server, as the wall clock also holds the client.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator

import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans

MARK = b"trace-marker"  # 12 bytes that each batch replaces by its own number, 4 more number the traces within
CHECKOUTS = 40  # a batch: 480 spans
START = 1_795_449_600_000_000_000  # ns
HTTP: dict[str, str | int] = {
    "http.request.method": "POST",
    "http.response.status_code": 201,
    "network.protocol.version": "1.1",
}
SQL: dict[str, str | int] = {
    "db.system.name": "postgresql",
    "db.namespace": "orders",
    "server.address": "127.0.0.1",
    "server.port": 5433,
}
# service, scope, name, kind, parent's number, start and end in ms, attributes
CHECKOUT: list[tuple[str, str, str, int, int, float, float, dict[str, str | int]]] = [
    (
        "gateway",
        "flask",
        "POST /checkout",
        2,
        0,
        0,
        71,
        {
            **HTTP,
            "http.route": "/checkout",
            "url.path": "/checkout",
            "url.scheme": "http",
            "server.port": 8080,
            "user_agent.original": "python-requests/2.34.2",
        },
    ),
    ("gateway", "requests", "POST", 3, 1, 1, 70, {**HTTP, "url.full": "http://127.0.0.1:8081/orders"}),
    ("order", "flask", "POST /orders", 2, 2, 2, 69, {**HTTP, "http.route": "/orders", "url.path": "/orders"}),
    ("order", "order", "ProcessOrder", 1, 3, 3, 68, {"order.id": "o-1", "order.item_count": 3, "order.total_cents": 9}),
    ("order", "psycopg", "INSERT", 3, 4, 3, 4, {**SQL, "db.query.text": "INSERT INTO orders (id, status) VALUES (%s)"}),
    ("order", "requests", "POST", 3, 4, 4, 9, {**HTTP, "url.full": "http://127.0.0.1:8082/reservations"}),
    ("inventory", "flask", "POST /reservations", 2, 6, 5, 8.5, {**HTTP, "http.route": "/reservations"}),
    (
        "inventory",
        "psycopg",
        "SELECT",
        3,
        7,
        6,
        7,
        {**SQL, "db.query.text": "SELECT sku, sum(quantity) FROM stock_movement WHERE sku = ANY(%s) GROUP BY sku"},
    ),
    ("order", "requests", "POST", 3, 4, 11, 58, {**HTTP, "url.full": "http://127.0.0.1:8083/charges"}),
    ("payment", "flask", "POST /charges", 2, 9, 12, 57.5, {**HTTP, "http.route": "/charges"}),
    ("payment", "requests", "POST", 3, 10, 13, 56, {**HTTP, "url.full": "http://127.0.0.1:8084/v1/charges"}),
    (
        "order",
        "order",
        "send order.confirmed",
        4,
        4,
        63,
        64,
        {
            "messaging.system": "postgresql",
            "messaging.operation.type": "send",
            "messaging.destination.name": "order.confirmed",
        },
    ),
]
DAY = {"query.startTimeMin": "2026-11-23T00:00:00Z", "query.startTimeMax": "2026-11-24T00:00:00Z"}


def scopes() -> tuple[ExportTraceServiceRequest, dict[tuple[str, str], ScopeSpans]]:
    """An empty request with every resource and scope of a checkout in it, and the scopes by service and name."""
    request, found = ExportTraceServiceRequest(), {}
    for service in dict.fromkeys(row[0] for row in CHECKOUT):
        resource_spans = request.resource_spans.add()
        told = {
            "service.name": service,
            "service.version": "1.0.0",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": "1.45.1",
        }
        for key, value in told.items():
            resource_spans.resource.attributes.add(key=key).value.string_value = value
        for scope in dict.fromkeys(row[1] for row in CHECKOUT if row[0] == service):
            found[service, scope] = resource_spans.scope_spans.add()
            found[service, scope].scope.name = f"opentelemetry.instrumentation.{scope}"
    return request, found


def add_checkout(into: dict[tuple[str, str], ScopeSpans], trace_id: bytes, first: int = 0, under: int = 0) -> None:
    """Add one checkout's 12 spans; their ids count from first, the root's parent is the span under."""
    for number, (service, scope, name, kind, above, begin, end, attributes) in enumerate(CHECKOUT, first + 1):
        parent = first + above if above else under
        span = into[service, scope].spans.add(
            trace_id=trace_id,
            span_id=number.to_bytes(8),
            parent_span_id=parent.to_bytes(8) if parent else b"",
            name=name,
            kind=kind,
            start_time_unix_nano=START + int(begin * 1e6),
            flags=257,
            end_time_unix_nano=START + int(end * 1e6),
        )
        for key, value in attributes.items():
            told = span.attributes.add(key=key).value
            if isinstance(value, str):
                told.string_value = value
            else:
                told.int_value = value


def batches(traces: int) -> Iterator[bytes]:
    """Serialized batches of 40 checkouts, each with trace ids of its own."""
    request, into = scopes()
    for number in range(CHECKOUTS):
        add_checkout(into, MARK + number.to_bytes(4))
    template = request.SerializeToString()
    for number in range(traces // CHECKOUTS):
        yield template.replace(MARK, (number + 1).to_bytes(len(MARK)))


def big_trace(spans: int) -> bytes:
    """A trace of so many spans, in one batch."""
    request, into = scopes()
    for first in range(0, spans - len(CHECKOUT) + 1, len(CHECKOUT)):
        add_checkout(into, b"a-trace-so-large", first, under=1 if first else 0)
    return bytes(request.SerializeToString())


class Backend:
    """The stand-in in a process of its own."""

    def __init__(self) -> None:
        self.otlp_port, self.port = free_port(), free_port()
        env = {
            **os.environ,
            "OTLP_BIND": f"127.0.0.1:{self.otlp_port}",
            "BIND": f"127.0.0.1:{self.port}",
            "JAEGER_MAX_TRACES": "1000000",
            "JAEGER_MAX_MB": "4096",
        }
        command = [sys.executable, "-m", "services.jaeger"]
        self.popen = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
        assert self.popen.stdout and self.popen.stdout.readline(), "the stand-in did not start"
        self.process = psutil.Process(self.popen.pid)
        self.otlp = http.client.HTTPConnection("127.0.0.1", self.otlp_port)
        self.query = http.client.HTTPConnection("127.0.0.1", self.port)

    def post(self, body: bytes) -> None:
        """Export a batch."""
        self.otlp.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        response = self.otlp.getresponse()
        assert response.status == 200 and not response.read(), response.status

    def get(self, path: str, **params: str) -> bytes:
        """Ask the query API."""
        self.query.request("GET", f"{path}?{urllib.parse.urlencode(params)}")
        response = self.query.getresponse()
        answer: bytes = response.read()
        assert response.status == 200, answer
        return answer

    def cpu(self) -> float:
        """CPU seconds used so far."""
        times = self.process.cpu_times()
        return times.user + times.system

    def memory(self) -> int:
        """Bytes of memory, shared pages by share (PSS)."""
        return int(self.process.memory_full_info().pss)

    def stop(self) -> None:
        """End the process."""
        self.popen.terminate()
        self.popen.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def timed(backend: Backend, repeat: int, path: str, **params: str) -> dict[str, float]:
    """ms that a query takes: the first time, and the median of those after it; and the answer's bytes."""
    took, answer = [], b""
    for _ in range(repeat + 1):
        begin = time.perf_counter()
        answer = backend.get(path, **params)
        took.append((time.perf_counter() - begin) * 1e3)
    return {"first_ms": took[0], "median_ms": statistics.median(took[1:]), "bytes": len(answer)}


def measure(traces: int, repeat: int) -> dict[str, object]:
    """Run it all; figures by name."""
    backend = Backend()
    try:
        backend.get("/api/v3/services")
        for body in batches(CHECKOUTS):  # What is only loaded once is loaded now.
            backend.post(body)
        at_rest, cpu, begin = backend.memory(), backend.cpu(), time.perf_counter()
        for body in batches(traces):
            backend.post(body)
        wall, cpu = time.perf_counter() - begin, backend.cpu() - cpu
        spans = traces // CHECKOUTS * CHECKOUTS * len(CHECKOUT)
        grown = backend.memory() - at_rest
        summaries = "/api/v3/trace-summaries"
        wanted: dict[str, tuple[str, dict[str, str]]] = {
            "search, 20 traces": (summaries, {"query.serviceName": "inventory", "query.searchDepth": "20", **DAY}),
            "search, no match (duration)": (
                summaries,
                {"query.serviceName": "inventory", "query.durationMin": "60ms", **DAY},
            ),
            "search, no match (attribute)": (
                summaries,
                {"query.serviceName": "order", "query.attributes": '{"order.id":"none"}', **DAY},
            ),
            "1,000 summaries": (summaries, {"query.serviceName": "gateway", "query.searchDepth": "1000", **DAY}),
            "dependencies": ("/api/dependencies", {"endTs": "1795536000000", "lookback": "604800000"}),
        }
        queries = {name: timed(backend, repeat, path, **params) for name, (path, params) in wanted.items()}
        backend.post(big_trace(10_000))
        big = b"a-trace-so-large".hex()
        queries["10,000-span trace, /api/traces"] = timed(backend, repeat, f"/api/traces/{big}")
        queries["10,000-span trace, /api/v3/traces"] = timed(backend, repeat, f"/api/v3/traces/{big}")
        return {
            "spans": spans,
            "spans_per_cpu_second": spans / cpu,
            "spans_per_second": spans / wall,
            "bytes_at_rest": at_rest,
            "bytes_per_span": grown / spans,
            "queries": queries,
        }
    finally:
        backend.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=20_000, help="checkouts of 12 spans to store (default 20000)")
    parser.add_argument("--repeat", type=int, default=5, help="times to ask each query after the first (default 5)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.traces < CHECKOUTS or options.repeat < 1:
        parser.error(f"at least {CHECKOUTS} traces and one repetition are needed")
    found = measure(options.traces, options.repeat)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'spans stored':<36}{found['spans']:>12,}")
    print(f"{'ingest, spans per CPU second':<36}{found['spans_per_cpu_second']:>12,.0f}")
    print(f"{'ingest, spans per second':<36}{found['spans_per_second']:>12,.0f}")
    print(f"{'memory at rest, MB':<36}{found['bytes_at_rest'] / 1e6:>12,.1f}")  # type: ignore[operator]
    print(f"{'memory per span, bytes':<36}{found['bytes_per_span']:>12,.0f}")
    print(f"\n{'query':<36}{'first ms':>12}{'median ms':>12}{'answer kB':>12}")
    for name, query in found["queries"].items():  # type: ignore[attr-defined]
        print(f"{name:<36}{query['first_ms']:>12.1f}{query['median_ms']:>12.1f}{query['bytes'] / 1e3:>12,.0f}")


if __name__ == "__main__":
    main()
