"""The external payment API."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.provider.app import create_app

CHARGE = {"amount": 1250, "currency": "EUR", "card": "4242424242424242"}


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The provider's file, and no latency to speak of."""
    monkeypatch.setenv("PROVIDER_DB", str(tmp_path / "charges.db"))
    monkeypatch.setenv("PROVIDER_LATENCY_MS", "0")
    yield tmp_path / "charges.db"


@pytest.fixture
def client(database: Path) -> FlaskClient:
    """A provider of the test's own."""
    return create_app().test_client()


def charge(client: FlaskClient, key: str = "order-1", **changes: Any) -> TestResponse:
    """POST a charge."""
    return client.post("/v1/charges", json={**CHARGE, **changes}, headers={"Idempotency-Key": key})


def test_a_charge_is_captured(client: FlaskClient) -> None:
    """The answer names the charge and repeats what was charged."""
    answer = charge(client)
    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["id"].startswith("ch_")
    assert (answer.json["amount"], answer.json["currency"], answer.json["status"]) == (1250, "EUR", "captured")


def test_the_same_key_gets_the_same_answer_and_one_charge(client: FlaskClient) -> None:
    """A repetition is answered from memory."""
    assert charge(client).json == charge(client).json
    assert charge(client, "order-2").json != charge(client).json


def test_the_answer_survives_a_restart(database: Path) -> None:
    """Another process on the same file knows the keys of the first."""
    first = charge(create_app().test_client())
    assert charge(create_app().test_client()).json == first.json


def test_a_key_belongs_to_one_charge(client: FlaskClient) -> None:
    """The key of another amount is refused, not charged."""
    charge(client)
    assert charge(client, amount=9999).status_code == 409


def test_a_declined_card_stays_declined(client: FlaskClient) -> None:
    """A card that ends in 0002 gets 402, a repetition too."""
    answers = [charge(client, card="4000000000000002") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [402, 402]
    assert answers[0].json is not None and answers[0].json["code"] == "card_declined"


def test_an_error_is_no_answer(client: FlaskClient) -> None:
    """A card that ends in 0119 gets 500, and the key stays free."""
    assert charge(client, card="4000000000000119").status_code == 500
    assert charge(client).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": True},
        {"amount": "1"},
        {"currency": "eur"},
        {"card": "42"},
        {"card": None},
        {"reference": ""},
        {"reference": 7},
        {"reference": None},
        {"reference": "x" * 65},
        {"reference": "a b"},
    ],
    ids=str,
)
def test_a_wrong_charge_is_refused(client: FlaskClient, changes: dict[str, Any]) -> None:
    """422 with a reason."""
    answer = charge(client, **changes)
    assert answer.status_code == 422
    assert answer.json is not None and answer.json["message"]


def test_a_reference_is_kept_and_decides_nothing(client: FlaskClient) -> None:
    """It stands in the list of charges; a repetition with another one gets the first answer."""
    first = charge(client, reference="order-1")
    assert charge(client, reference="order-2").json == first.json
    listed = client.get("/v1/charges").json
    assert listed is not None
    assert [each["reference"] for each in listed["charges"]] == ["order-1"]


def test_a_key_is_needed(client: FlaskClient) -> None:
    """400 without an Idempotency-Key."""
    assert client.post("/v1/charges", json=CHARGE).status_code == 400


def test_no_card_number_is_kept(client: FlaskClient, database: Path) -> None:
    """The file holds a fingerprint, not the number."""
    charge(client)
    kept = b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert b"order-1" in kept
    assert b"4242424242424242" not in kept


def cancel(client: FlaskClient, key: str = "order-1") -> object:
    """Cancel a charge; what became of it."""
    answer = client.post("/v1/charges/cancel", headers={"Idempotency-Key": key})
    assert answer.status_code == 200
    assert answer.json is not None
    return answer.json["status"]


def test_a_canceled_charge_cannot_be_made_any_more(client: FlaskClient) -> None:
    """A charge that was on its way comes too late."""
    assert cancel(client) == "canceled"
    answer = charge(client)
    assert answer.status_code == 409
    assert answer.json is not None and answer.json["code"] == "canceled"


def test_a_captured_charge_is_not_canceled(client: FlaskClient) -> None:
    """What was decided stands, and the answer says so."""
    charge(client)
    assert cancel(client) == "captured"
    assert charge(client).status_code == 201


def refund(client: FlaskClient, key: str = "order-1") -> TestResponse:
    """Give a charge back."""
    return client.post("/v1/charges/refund", headers={"Idempotency-Key": key})


def test_a_captured_charge_is_refunded_once_and_for_all(client: FlaskClient) -> None:
    """A repetition changes nothing; the charge cannot be made again, and who asks is not told that it was captured."""
    charge(client)
    for _ in range(2):
        answer = refund(client)
        assert (answer.status_code, answer.json and answer.json["status"]) == (200, "refunded")
    assert charge(client).status_code == 409
    assert cancel(client) == "refunded"


def test_what_was_not_captured_is_not_refunded(client: FlaskClient) -> None:
    """Declined, canceled or unknown: 409 that says which."""
    charge(client, "a", card="4000000000000002")
    cancel(client, "b")
    told = [refund(client, key) for key in ("a", "b", "c")]
    assert [answer.status_code for answer in told] == [409, 409, 409]
    for answer, word in zip(told, ("declined", "canceled", "unknown"), strict=True):
        assert answer.json is not None and word in answer.json["message"]


def test_the_charges_are_listed_by_pages(client: FlaskClient) -> None:
    """Every key once, with what became of it."""
    charge(client, "a")
    charge(client, "b", card="4000000000000002")
    cancel(client, "c")
    found: list[tuple[str, str]] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = client.get("/v1/charges", query_string={"limit": 1, "after": page["next"]}).json or {}
        found += [(made["idempotency_key"], made["status"]) for made in page["charges"]]
    assert found == [("a", "captured"), ("b", "declined"), ("c", "canceled")]


@pytest.mark.parametrize(("capacity", "rounds"), [("1", 4), ("2", 2), ("64", 1)])
def test_so_many_are_worked_on_at_once(
    database: Path, monkeypatch: pytest.MonkeyPatch, capacity: str, rounds: int
) -> None:
    """The others wait in line: four take as long as one, or longer by those that are before them."""
    monkeypatch.setenv("PROVIDER_LATENCY_MS", "80")
    monkeypatch.setenv("PROVIDER_LATENCY_SIGMA", "0")
    monkeypatch.setenv("PROVIDER_CAPACITY", capacity)
    app = create_app()
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: charge(app.test_client(), f"order-{number}"), range(4)))
    seconds = time.monotonic() - began
    assert [answer.status_code for answer in answers] == [201] * 4
    assert seconds >= 0.08 * rounds
    assert rounds == 4 or seconds < 0.08 * 4


@pytest.mark.parametrize("capacity", ["0", "65", "many"])
def test_a_capacity_that_is_none_is_refused(database: Path, monkeypatch: pytest.MonkeyPatch, capacity: str) -> None:
    """With the variable's name, before anything is served."""
    monkeypatch.setenv("PROVIDER_CAPACITY", capacity)
    with pytest.raises(SystemExit, match="PROVIDER_CAPACITY"):
        create_app()
