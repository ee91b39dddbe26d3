"""The payment service's call to the provider: what is tried again, and what is not."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from flask import Flask, request
from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from werkzeug.serving import make_server

from common.errors import Problem
from payment import clients
from payment.clients import Provider

Answer = Callable[[], tuple[dict[str, Any], int]]


class ScriptedProvider:
    """Answers from a list, and remembers the idempotency keys it was asked with."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.keys: list[str | None] = []
        self.headers: list[set[str]] = []
        self.bodies: list[dict[str, Any]] = []
        app = Flask("scripted")

        @app.post("/v1/charges")
        def charge() -> tuple[dict[str, Any], int]:
            self.keys.append(request.headers.get("Idempotency-Key"))
            self.bodies.append(request.get_json())
            self.headers.append({name.lower() for name, _ in request.headers})
            return self.answers.pop(0)()

        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def scripted() -> Iterator[ScriptedProvider]:
    """A provider that does as the test says."""
    provider = ScriptedProvider()
    thread = threading.Thread(target=provider.server.serve_forever)
    thread.start()
    yield provider
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()


def captured() -> tuple[dict[str, Any], int]:
    """A charge that was made."""
    return {"id": "ch_1", "status": "captured"}, 201


def failed() -> tuple[dict[str, Any], int]:
    """A provider that has a bad moment."""
    return {"message": "try again"}, 503


ATTEMPTS = 3


def charge(provider: ScriptedProvider, timeout: float = 1.5) -> dict[str, Any]:
    """One charge through the client under test."""
    client = Provider(provider.url, attempts=ATTEMPTS, timeout=timeout)
    try:
        return client.charge("order-1", 100, "EUR", "4242424242424242")
    finally:
        client.session.close()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans of requests, which are instrumented as the launcher does it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = RequestsInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield exporter
    instrumentor.uninstrument()


def test_the_provider_gets_what_it_needs_and_no_more(scripted: ScriptedProvider, spans: InMemorySpanExporter) -> None:
    """Neither the trace nor a customer's baggage leaves the company; the call has its span all the same."""
    scripted.answers = [captured]
    token = attach(set_baggage("customer", "secret"))
    charge(scripted)
    detach(token)
    needed = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "content-type"}
    assert scripted.headers == [needed | {"idempotency-key"}]
    assert [span.kind for span in spans.get_finished_spans()] == [SpanKind.CLIENT]


def test_an_attempt_says_that_it_is_one_more(scripted: ScriptedProvider, spans: InMemorySpanExporter) -> None:
    """`http.request.resend_count` on the second and the third, and not on the first of the next charge."""
    scripted.answers = [failed, failed, captured, captured]
    charge(scripted)
    charge(scripted)
    counts = [(span.attributes or {}).get("http.request.resend_count") for span in spans.get_finished_spans()]
    assert counts == [None, 1, 2, None]


def test_a_5xx_is_tried_again_with_the_same_key(scripted: ScriptedProvider) -> None:
    """The second attempt succeeds; both carry the order's id."""
    scripted.answers = [failed, captured]
    assert charge(scripted)["id"] == "ch_1"
    assert scripted.keys == ["order-1", "order-1"]


def test_a_charge_says_for_which_order_it_is(scripted: ScriptedProvider) -> None:
    """In the provider's books, too, whatever its key is: an order that was charged twice can be found."""
    scripted.answers = [failed, captured]
    charge(scripted)
    assert [body["reference"] for body in scripted.bodies] == ["order-1", "order-1"]


def test_retries_are_bounded(scripted: ScriptedProvider) -> None:
    """After the last attempt it is a 502 that says how often it was tried."""
    scripted.answers = [failed] * (ATTEMPTS + 1)
    with pytest.raises(Problem, match="failed 3 times") as caught:
        charge(scripted)
    assert caught.value.status == 502
    assert len(scripted.keys) == ATTEMPTS


def test_a_declined_card_is_not_tried_again(scripted: ScriptedProvider) -> None:
    """402 is an answer."""
    scripted.answers = [lambda: ({"code": "card_declined", "message": "the card was declined"}, 402), captured]
    with pytest.raises(Problem, match="declined") as caught:
        charge(scripted)
    assert caught.value.status == 402
    assert len(scripted.keys) == 1


def test_no_answer_in_time_is_not_tried_again(scripted: ScriptedProvider) -> None:
    """A read timeout is a 504 at once: the charge may have been made."""
    released = threading.Event()

    def late() -> tuple[dict[str, Any], int]:
        released.wait(5)
        return captured()

    scripted.answers = [late, captured]
    with pytest.raises(Problem) as caught:
        charge(scripted, timeout=0.2)
    released.set()
    assert caught.value.status == 504
    assert len(scripted.keys) == 1


def test_a_restart_is_waited_for(scripted: ScriptedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """More refused connections than a provider that answers 5xx would get attempts."""
    refused = iter(range(ATTEMPTS + 2))
    really = requests.Session.post

    def post(self: requests.Session, url: str, **arguments: Any) -> requests.Response:
        return really(self, url if next(refused, None) is None else "http://127.0.0.1:1/", **arguments)

    monkeypatch.setattr(requests.Session, "post", post)
    scripted.answers = [captured]
    assert charge(scripted)["id"] == "ch_1"


def test_nobody_there_is_a_502(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is tried again, then told."""
    monkeypatch.setattr(clients, "RECONNECT_SECONDS", 0.5)
    server = make_server("127.0.0.1", 0, Flask("gone"))
    server.server_close()
    client = Provider(f"http://127.0.0.1:{server.server_port}", attempts=ATTEMPTS, timeout=1.5)
    with pytest.raises(Problem) as caught:
        client.charge("order-1", 100, "EUR", "4242424242424242")
    client.session.close()
    assert caught.value.status == 502


@pytest.mark.parametrize("status", [402, 409, 422])
def test_a_refusal_after_a_failed_attempt_is_not_taken_for_one(scripted: ScriptedProvider, status: int) -> None:
    """The first attempt may have charged the card: 502, and whoever asked finds out what stands."""
    scripted.answers = [failed, lambda: ({"message": "no"}, status)]
    with pytest.raises(Problem, match=f"answered {status}, and first it answered 503") as caught:
        charge(scripted)
    assert caught.value.status == 502


@pytest.mark.parametrize("answer", [({"status": "pending"}, 201), ({}, 200), ([], 201)], ids=str)
def test_only_what_the_provider_says_is_captured_is(scripted: ScriptedProvider, answer: Any) -> None:
    """A 2xx alone is no charge."""
    scripted.answers = [lambda: answer]
    with pytest.raises(Problem) as caught:
        charge(scripted)
    assert caught.value.status == 502
