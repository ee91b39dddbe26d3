"""The public API, with the services behind it replaced."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from common.errors import Problem
from gateway.app import create_app
from gateway.clients import Inventory, Orders

CHECKOUT: dict[str, Any] = {
    "customer_id": "c-1",
    "items": [{"sku": "SKU-00001", "quantity": 2}],
    "card": "4242424242424242",
}


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The orders that reached the order service."""
    orders: list[dict[str, Any]] = []

    def place(self: Orders, order: dict[str, Any], idempotency_key: str) -> dict[str, Any]:
        orders.append(order)
        return {"order_id": "o", "status": "confirmed", "total_cents": 1, "currency": "EUR"}

    monkeypatch.setattr(Orders, "place", place)
    return orders


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, placed: list[dict[str, Any]]) -> FlaskClient:
    """The gateway, in front of replaced services."""
    monkeypatch.setenv("ORDER_URL", "http://order.invalid")
    monkeypatch.setenv("INVENTORY_URL", "http://inventory.invalid")
    return create_app().test_client()


def test_a_checkout_is_placed(client: FlaskClient, placed: list[dict[str, Any]]) -> None:
    """What was posted is what the order service gets."""
    answer = client.post("/checkout", json=CHECKOUT)
    assert answer.status_code == 201
    assert placed == [CHECKOUT]


WRONG_BODIES: dict[str, tuple[object, int, str]] = {
    "no object": ([], 422, "object"),
    "nothing in it": ({}, 422, "/items"),
    "no items": ({**CHECKOUT, "items": []}, 422, "/items"),
    "too many items": ({**CHECKOUT, "items": [{"sku": f"A{n}", "quantity": 1} for n in range(21)]}, 422, "/items"),
    "an item twice": ({**CHECKOUT, "items": CHECKOUT["items"] * 2}, 422, "twice"),
    "quantity zero": ({**CHECKOUT, "items": [{"sku": "A", "quantity": 0}]}, 422, "/items/0/quantity"),
    "quantity huge": ({**CHECKOUT, "items": [{"sku": "A", "quantity": 10**30}]}, 422, "/items/0/quantity"),
    "quantity text": ({**CHECKOUT, "items": [{"sku": "A", "quantity": "1"}]}, 422, "/items/0/quantity"),
    "quantity true": ({**CHECKOUT, "items": [{"sku": "A", "quantity": True}]}, 422, "/items/0/quantity"),
    "sku with NUL": ({**CHECKOUT, "items": [{"sku": "A\0", "quantity": 1}]}, 422, "/items/0/sku"),
    "customer with NUL": ({**CHECKOUT, "customer_id": "a\0"}, 422, "/customer_id"),
    "card short": ({**CHECKOUT, "card": "42"}, 422, "/card"),
    "unknown member": ({**CHECKOUT, "coupon": "X"}, 422, "/coupon"),
}


@pytest.mark.parametrize(("body", "status", "says"), WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_a_wrong_body_is_told_and_changes_nothing(
    client: FlaskClient, placed: list[dict[str, Any]], body: object, status: int, says: str
) -> None:
    """A problem that points at the fault; nothing reaches the order service."""
    answer = client.post("/checkout", json=body)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None and says in answer.json["detail"]
    assert placed == []


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"[" * 60_000, "application/json", 400),
        (b" " * 70_000, "application/json", 413),
    ],
    ids=["cut off", "empty", "not UTF-8", "text/plain", "no type", "deep", "large"],
)
def test_what_is_not_json_is_told(client: FlaskClient, data: bytes, content_type: str, status: int) -> None:
    """400, 413 or 415, always a problem."""
    answer = client.post("/checkout", data=data, content_type=content_type)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


def test_a_problem_never_repeats_the_card(client: FlaskClient) -> None:
    """A body's fault is told without its values."""
    answer = client.post("/checkout", json={**CHECKOUT, "card": "4242-4242-4242-4242", "customer_id": 7})
    assert "4242" not in answer.text


def test_a_service_s_problem_is_passed_on(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status, detail and extra members of the order service's answer reach the customer."""

    def place(self: Orders, order: dict[str, Any], idempotency_key: str) -> dict[str, Any]:
        raise Problem(409, "SKU-1: 2 wanted, 1 on hand", reason="out_of_stock", order_id="o")

    monkeypatch.setattr(Orders, "place", place)
    answer = client.post("/checkout", json=CHECKOUT)
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["reason"] == "out_of_stock"
    assert answer.json["detail"] == "SKU-1: 2 wanted, 1 on hand"


def test_whoever_cannot_know_is_told_how_to_ask_again(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless nothing was begun or it is decided, the answer has the key that a repetition must have."""
    cases: list[tuple[Problem, bool, int, str | None]] = [
        (Problem(503, "away", reason="unreachable"), True, 503, None),
        (Problem(503, "away"), True, 503, "unknown"),
        (Problem(504, "late"), True, 504, "unknown"),
        (Problem(409, "no"), True, 409, None),
        (Problem(409, "no"), False, 503, "unknown"),
        (Problem(402, "declined", order_id="o", order_status="failed"), False, 402, "failed"),
        (Problem(402, "declined", order_id="o", order_status="pending"), True, 402, "pending"),
    ]
    for problem, sure, status, order_status in cases:
        problem.sure = sure
        keys: list[str] = []

        def place(
            self: Orders, order: dict[str, Any], key: str, problem: Problem = problem, keys: list[str] = keys
        ) -> dict[str, Any]:
            keys.append(key)
            raise problem

        monkeypatch.setattr(Orders, "place", place)
        answer = client.post("/checkout", json=CHECKOUT)
        assert answer.json is not None
        assert (answer.status_code, answer.json.get("order_status")) == (status, order_status)
        open_ones = keys if order_status in ("pending", "unknown") else [None]
        assert [answer.json.get("idempotency_key")] == open_ones


@pytest.mark.parametrize("order_status", ["pending", "failed", None])
@pytest.mark.parametrize("key", ["mine", None])
def test_only_who_cannot_buy_twice_is_invited(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, order_status: str | None, key: str | None
) -> None:
    """While an order is open, Retry-After is for customers with a key: some obey it and read nothing else."""
    problem = Problem(503, "away", headers={"Retry-After": "1"}, order_id="o", order_status=order_status)

    def place(self: Orders, order: dict[str, Any], idempotency_key: str) -> dict[str, Any]:
        raise problem

    monkeypatch.setattr(Orders, "place", place)
    answer = client.post("/checkout", json=CHECKOUT, headers={"Idempotency-Key": key} if key else {})
    assert ("Retry-After" in answer.headers) == (key is not None or order_status != "pending")


def test_an_unexpected_error_is_a_problem_without_a_traceback(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500, and the reason stays in the log."""

    def products(self: Inventory, after: str | None, limit: str | None) -> dict[str, Any]:
        raise KeyError("secret")

    monkeypatch.setattr(Inventory, "products", products)
    answer = client.get("/products")
    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nope", 404), ("GET", "/checkout", 405), ("GET", "/orders/x", 404)]
)
def test_wrong_paths_are_problems(client: FlaskClient, method: str, path: str, status: int) -> None:
    """Also the framework's own errors are problem+json, and name their trace (here none)."""
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None and "trace_id" in answer.json


def test_the_api_document_is_valid(client: FlaskClient) -> None:
    """A validator of OpenAPI documents has nothing to say."""
    document = client.get("/openapi.json").json
    assert document is not None
    validate(document)


def test_the_api_document_names_the_routes_there_are(client: FlaskClient) -> None:
    """Every public route stands in it, and nothing else."""
    document = client.get("/openapi.json").json
    assert document is not None
    private = ("/", "/openapi.json", "/healthz", "/readyz", "/static/<path:filename>")
    rules = [rule for rule in client.application.url_map.iter_rules() if rule.rule not in private]
    served = {
        (rule.rule.replace("<uuid:", "{").replace(">", "}"), method.lower())
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == {(path, method) for path, methods in document["paths"].items() for method in methods}


@pytest.mark.parametrize("probe", ["/healthz", "/readyz"])
def test_no_probe_follows_a_neighbour(client: FlaskClient, probe: str) -> None:
    """The services behind are away, and the gateway is still the one to ask: it tells who is."""
    assert client.get(probe).status_code == 200


@pytest.mark.parametrize("path", ["/", "/products", "/nothing", "/static/shop.js"])
def test_a_browser_runs_nothing_but_the_shop_s_own(client: FlaskClient, path: str) -> None:
    """Every answer forbids guessing its type, and what is not the shop's own; the page needs nothing inline."""
    answer = client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    answer.close()
    assert not re.search(r"<script>|<style|style=|\bon[a-z]+=", client.get("/").text)
