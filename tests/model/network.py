"""The wires between the services: a call is a function call, so that a test decides what becomes of each."""

import json
from collections.abc import Callable
from contextvars import Context
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from .clock import STEP_SECONDS, Clock
from .provider import Provider

# What may become of a call, besides being answered.
REFUSED = "the connection is refused"
ANSWER_LOST = "it arrives, and the connection breaks before the answer"
NO_ANSWER = "it never arrives, and nobody says so"
LATE_ANSWER = "it arrives, and the answer comes too late"
ARRIVES_LATE = "it arrives when nobody waits for the answer any more"
FATES = (REFUSED, ANSWER_LOST, NO_ANSWER, LATE_ANSWER, ARRIVES_LATE)
# The provider is a company outside; what it takes for a charge.
PROVIDER_SECONDS = 0.04


class Killed(BaseException):
    """kill -9 of the process that runs just now: nothing of it goes on, no handler of its own is run."""


class Network:
    """Delivers what `requests` sends to `http://NAME.test`; `fates` are those of the next calls."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, clock: Clock, apps: dict[str, Flask], provider: Provider
    ) -> None:
        self.clock, self.apps, self.provider = clock, apps, provider
        self.away: set[str] = set()
        self.fates: list[str] = []
        self.running: list[str] = []  # whose code runs now, the innermost last
        self.on_their_way: list[Callable[[], object]] = []
        self.before_call: Callable[[], None] = lambda: None
        network = self

        def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            return network.send(request, options.get("timeout"))

        monkeypatch.setattr(HTTPAdapter, "send", send)

    def send(self, request: requests.PreparedRequest, timeout: object) -> requests.Response:
        """The answer to a call, or what `requests` raises where there is none."""
        self.before_call()
        self.clock.advance(STEP_SECONDS)
        wait = float(timeout[1] if isinstance(timeout, tuple) else timeout or 60)  # type: ignore[arg-type]
        fate = self.fates.pop(0) if self.fates else ""
        host = str(urlsplit(request.url or "").hostname)
        # The audit asks the provider at the address that it has on this machine.
        name = "provider" if host == "127.0.0.1" else host.removesuffix(".test")
        if name in self.away or fate == REFUSED:
            raise requests.ConnectionError(f"{name} refuses connections")
        if fate in (NO_ANSWER, ARRIVES_LATE):
            if fate == ARRIVES_LATE:
                self._send_off(name, request)
            self.clock.advance(wait)
            raise requests.ReadTimeout(f"{name} does not answer")
        began = self.clock.seconds
        answer = self._deliver(name, request)
        if fate == ANSWER_LOST:
            raise requests.ConnectionError(f"{name} broke the connection")
        if fate == LATE_ANSWER:
            self.clock.advance(wait)
        if self.clock.seconds - began > wait:
            raise requests.ReadTimeout(f"{name} answers too late")
        self.before_call()
        return answer

    def _send_off(self, name: str, request: requests.PreparedRequest) -> None:
        """Let a request arrive some time later. A provider knows of it at once, and is busy with it until then."""
        key = str(request.headers.get("Idempotency-Key"))
        if name == "provider":
            self.provider.busy.add(key)

        def arrive() -> None:
            self.provider.busy.discard(key)
            if name not in self.away:
                self._deliver(name, request)

        self.on_their_way.append(arrive)

    def arrive(self) -> None:
        """Let everything arrive that is on its way; nobody hears the answers."""
        while self.on_their_way:
            try:
                self.on_their_way.pop(0)()
            except requests.ConnectionError:
                continue  # whoever took it was killed

    def _deliver(self, name: str, request: requests.PreparedRequest) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        headers = {key: str(value) for key, value in request.headers.items()}
        self.running.append(name)
        try:
            if name == "provider":
                self.clock.advance(PROVIDER_SECONDS)
                reply = self.provider.handle(str(request.method), request.path_url, headers, body)
                return response(reply.status, json.dumps(reply.body).encode(), {})
            client = self.apps[name].test_client()
            # Another process: it knows nothing of the request that its caller has in hand.
            apart = Context().run
            made = apart(client.open, request.path_url, method=request.method, headers=headers, data=body)
            return response(made.status_code, made.data, dict(made.headers))
        except Killed:
            raise requests.ConnectionError(f"{name} was killed") from None
        finally:
            self.running.pop()


def response(status: int, body: bytes, headers: dict[str, str]) -> requests.Response:
    """An answer as `requests` gives it."""
    made = requests.Response()
    made.status_code, made._content, made.headers = status, body, CaseInsensitiveDict(headers)
    return made
