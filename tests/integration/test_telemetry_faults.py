"""Telemetry never hurts a checkout: its backend may be away or mad, and the headers that carry it may be anything."""

import os
import socket
import socketserver
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from workshop.stack.local import system as local

from .conftest import Eventually, FragileStack, Stack
from .shape import SPANS

TRACED = ("gateway", "order", "inventory", "payment")
TRACE, SPAN = "5ca1ab1e" * 4, "00f067aa0ba902b7"


@contextmanager
def in_its_place(stack: FragileStack, answer: bytes | None) -> Iterator[None]:
    """Something else at the OTLP port: it gives this answer to whatever comes, or with None never one."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request: socket.socket = self.request
            request.settimeout(5)
            try:
                request.recv(65536)
                if answer is None:
                    over.wait(5)
                else:
                    request.sendall(answer)
            except OSError:  # the exporter does not wait that long
                return

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    over = threading.Event()
    with Server(("127.0.0.1", stack.settings.otlp_http_port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def without_backend(sound: FragileStack) -> Iterator[FragileStack]:
    """The stack while its trace backend is stopped."""
    sound.stop("jaeger")
    yield sound
    sound.start("jaeger")


def test_checkouts_go_on_without_the_backend(without_backend: FragileStack, eventually: Eventually) -> None:
    """They are confirmed; when the backend is back, new traces are whole."""
    assert [without_backend.checkout().status_code for _ in range(4)] == [201] * 4
    without_backend.start("jaeger")

    def arrived() -> bool:
        trace_id = without_backend.checkout().json()["trace_id"]
        return len(without_backend.trace(trace_id, SPANS).spans) == SPANS

    eventually("a new checkout's trace has arrived", arrived)


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", b"\x00\xff garbage\r\n\r\n", b"", None],
    ids=["500", "garbage", "closes", "never answers"],
)
def test_a_mad_backend_harms_no_checkout(without_backend: FragileStack, answer: bytes | None) -> None:
    """Whatever it answers, checkouts are confirmed."""
    with in_its_place(without_backend, answer):
        assert [without_backend.checkout().status_code for _ in range(3)] == [201] * 3


def test_the_last_spans_leave_at_sigterm(sound: FragileStack) -> None:
    """All four services are stopped right after a checkout: its trace is complete."""
    # The second one finds its products in the cache.
    trace_id = [sound.checkout().json()["trace_id"] for _ in range(2)][-1]
    sound.stop(*TRACED)
    try:
        assert len(sound.trace(trace_id, SPANS).spans) == SPANS
    finally:
        sound.start(*TRACED)


def well_formed(flags: str) -> dict[str, str]:
    """A traceparent as it should be."""
    return {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}


@pytest.mark.parametrize(
    "traceparent",
    [
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-0g",
        f"00-{TRACE[1:]}-{SPAN}-01",
        TRACE,
        "00-" * 2000,
        "",
        "\xe9\xff",
    ],
    ids=[
        "upper case trace id",
        "upper case span id",
        "version ff",
        "short version",
        "all-zero trace id",
        "all-zero span id",
        "no flags",
        "too many fields",
        "flags that are no number",
        "short trace id",
        "a bare id",
        "very long",
        "empty",
        "not ASCII",
    ],
)
def test_a_malformed_parent_starts_a_fresh_trace(sound: FragileStack, traceparent: str) -> None:
    """As W3C's Trace Context says; the checkout is confirmed."""
    answer = sound.checkout(traceparent=traceparent)
    assert answer.status_code == 201, answer.text
    assert answer.json()["trace_id"] not in (TRACE, "0" * 32, None)


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_parent_is_continued_whatever_its_flags(sound: FragileStack, flags: str) -> None:
    """Also one that is not sampled."""
    assert sound.checkout(**well_formed(flags)).json()["trace_id"] == TRACE


@pytest.mark.parametrize(
    "headers",
    [
        {"tracestate": "x" * 5000},
        {"tracestate": ",".join(f"k{n}=v" for n in range(100))},
        {"tracestate": "=,=,;;,~"},
        {"tracestate": "a=1,a=2"},
        {"baggage": "k=" + "v" * 7000},
        {"baggage": ",".join(f"k{n}=v" for n in range(500))},
        {"baggage": "=;=;,%zz=%\xff"},
        {"baggage": "user=%0d%0aX-Evil:%201"},
    ],
    ids=["long", "many members", "garbage", "twice", "long baggage", "much baggage", "odd baggage", "line breaks"],
)
def test_odd_state_and_baggage_harm_no_checkout(sound: FragileStack, headers: dict[str, str]) -> None:
    """They are carried, cut or dropped; the trace goes on."""
    answer = sound.checkout(**well_formed("01"), **headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["trace_id"] == TRACE


def test_whether_a_trace_is_kept_is_not_for_a_customer_to_say(sound: FragileStack) -> None:
    """One who does not sample is told of a trace that is there, whole; what he carries with it goes no further."""
    trace_id = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-00", "baggage": "customer=secret"}
    answer = sound.checkout(**headers)
    assert answer.json()["trace_id"] == trace_id
    assert answer.headers["Server-Timing"] == f"trace;desc={answer.headers['traceresponse']}"
    assert int(answer.headers["traceresponse"][-2:], 16) & 1
    trace = sound.trace(trace_id, SPANS)
    assert {"gateway", "order", "inventory", "payment"} <= set(trace.services)
    servers = [span for span in trace.spans if span.kind == "server"]
    assert {span.attributes["server.address"] for span in servers} == {"127.0.0.1"}


def test_a_statement_that_failed_says_so(sound: FragileStack) -> None:
    """Its SQLSTATE, as the conventions have it: here it was canceled when its request's time was over."""
    with sound.inventory() as stranger, stranger.transaction():
        stranger.execute("SELECT 1 FROM product WHERE sku = 'SKU-00017' FOR UPDATE")
        answer = sound.checkout(("SKU-00017", 1), **{"X-Timeout-Ms": "1500"})
    assert answer.status_code >= 500
    trace = sound.jaeger.wait_for_trace(
        answer.json()["trace_id"],
        until=lambda found: any("db.response.status_code" in s.attributes for s in found.spans),
    )
    failed = next(span for span in trace.spans if "db.response.status_code" in span.attributes)
    assert (failed.service, failed.name) == ("inventory", "SELECT product")
    assert failed.attributes["db.response.status_code"] == failed.attributes["error.type"] == "57014"


def test_headers_beyond_all_bounds_are_refused(sound: FragileStack) -> None:
    """The server's own limit: 431, and never a 500."""
    answer = requests.get(f"{sound.gateway}/products", headers={"baggage": "k=" + "v" * 20_000}, timeout=10)
    assert answer.status_code == 431
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_jaeger_that_does_not_start_does_not_stop_the_shop(tmp_path: Path) -> None:
    """It is told of, with its last words, by up and by status; checkouts go through."""
    program = tmp_path / "jaeger"
    program.write_text("#!/bin/sh\necho cannot read its settings\nexit 1\n")
    program.chmod(0o755)
    stack = Stack(tmp_path / "state", seed_movements=50_000)
    stack.environment["PATH"] = f"{tmp_path}{os.pathsep}{stack.environment['PATH']}"
    try:
        up = stack.spans("up")
        assert up.returncode == 0, up.stdout + up.stderr
        assert "jaeger is not ready: it died while it started. No checkout needs it." in up.stderr
        assert "cannot read its settings" in up.stderr
        assert stack.checkout(("SKU-00001", 1)).status_code == 201
        status = stack.spans("status")
        assert status.returncode == 1
        assert "cannot read its settings" in status.stdout
    finally:
        stack.must("down")
        local.remove(stack.settings)
