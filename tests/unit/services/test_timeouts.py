"""Every wait of the system, outermost first: each is longer than what it waits for, so that whoever waits is told."""

import itertools
import re
from configparser import RawConfigParser
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from flask import Flask
from pydantic import SecretStr

import gateway.app
import inventory.app
import order.app
import payment.app
from common import database, gunicorn, http_client, patience
from payment import clients as provider
from payment.settings import Settings
from workshop.chaos import customers
from workshop.stack.local import system

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT, ATTEMPTS = (Settings.model_fields[name].default for name in ("provider_timeout_seconds", "provider_attempts"))
# Nobody listens there; the applications open their pools without waiting.
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """How long each request may take, and each call, by the application's own word."""
    for name in ("ORDER", "INVENTORY", "PAYMENT", "PROVIDER"):
        monkeypatch.setenv(f"{name}_URL", f"http://{NOWHERE}")
    monkeypatch.setenv("DATABASE_URL", f"postgresql://x:x@{NOWHERE}/x")
    monkeypatch.setenv("SERVICE_SECRET", "x" * 32)
    found: dict[str, float] = {}
    called = http_client.ServiceClient.__init__

    def note_call(
        self: http_client.ServiceClient, name: str, base_url: str, timeout: float, secret: SecretStr | None = None
    ) -> None:
        found[f"{current[0]} -> {name}"] = timeout
        called(self, name, base_url, timeout, secret)

    monkeypatch.setattr(http_client.ServiceClient, "__init__", note_call)
    current: list[str] = [""]
    opened: list[database.Pool] = []
    really_open = database.open_pool

    def open_pool(url: str, *, size: int, seconds: float) -> database.Pool:
        found[f"{current[0]} pool"] = seconds
        opened.append(really_open(url, size=size, seconds=seconds))
        return opened[-1]

    monkeypatch.setattr(database, "open_pool", open_pool)
    for module in (gateway.app, order.app, inventory.app, payment.app):
        current[0] = module.__name__.partition(".")[0]
        app: Flask = module.create_app()
        found[current[0]] = app.config["REQUEST_SECONDS"]
    for pool in opened:
        pool.close()
    return found


def test_each_hop_s_wait_is_longer_than_what_it_waits_for(seconds: dict[str, float]) -> None:
    """From the customer to the row's lock; a margin is left for the answer to get back."""
    chains: list[list[float]] = [
        [customers.TIMEOUT, seconds["gateway"], seconds["gateway -> order"], seconds["order"]],
        [seconds["gateway"], seconds["gateway -> inventory"], seconds["inventory"]],
        [seconds["order"], seconds["order -> inventory"], seconds["inventory"], database.STATEMENT_SECONDS],
        [database.STATEMENT_SECONDS, database.LOCK_SECONDS],
        [seconds["inventory"], seconds["inventory pool"]],
        [seconds["order"], seconds["order -> payment"], seconds["payment"]],
        # The last attempt may begin when the provider has just been away for as long as is waited for it.
        [seconds["payment"], provider.RECONNECT_SECONDS + 1.0 + TIMEOUT],
        [seconds["payment"], ATTEMPTS * TIMEOUT + 1],
    ]
    for chain in chains:
        for outer, inner in itertools.pairwise(chain):
            assert outer >= inner + patience.MARGIN_SECONDS, (chain, seconds)


def test_a_restart_can_be_waited_for_at_each_hop(seconds: dict[str, float]) -> None:
    """As long as it may take, with time left for the call itself, and for the other steps of the request."""
    for hop in (name for name in seconds if "->" in name):
        caller = hop.partition(" ")[0]
        assert seconds[hop] >= patience.RECONNECT_SECONDS + 3, hop
        assert seconds[caller] >= patience.RECONNECT_SECONDS + 3 + TIMEOUT, hop
    assert seconds["order"] >= seconds["inventory"] + seconds["payment"]


def test_every_grace_is_longer_than_the_longest_request(seconds: dict[str, float]) -> None:
    """Whoever was let in before SIGTERM gets an answer, and whoever stops a process waits for that."""
    longest = max(seconds.values())
    assert gunicorn.graceful_timeout > longest
    parser = RawConfigParser()
    parser.read(ROOT / "supervisord.conf")
    graces = [
        float(parser[section].get("stopwaitsecs", "10"))
        for section in parser.sections()
        if "gunicorn" in parser[section].get("command", "") or section == "program:order-worker"
    ]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    for name in ("gateway", "order", "order-worker", "inventory", "payment"):
        graces.append(float(re.fullmatch(r"(\d+)s", compose["services"][name]["stop_grace_period"])[1]))  # type: ignore[index]
    assert len(graces) == 10
    assert all(grace > gunicorn.graceful_timeout for grace in graces)
    assert max(graces) < system.STOP_SECONDS
