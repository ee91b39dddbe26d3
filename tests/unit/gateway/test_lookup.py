"""What a checkout's receipt is made of is looked up beside the order: right, in time, or not at all."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from common.errors import Problem
from gateway import catalogue
from gateway.answers import Product
from gateway.app import create_app
from gateway.cache import page_key
from gateway.clients import Inventory, Orders

from .conftest import Valkey

APRON = {"sku": "SKU-1", "name": "Amber Apron", "price_cents": 390, "currency": "EUR"}
BOWL = {"sku": "SKU-2", "name": "Birch Bowl", "price_cents": 8309, "currency": "EUR"}
CHECKOUT: dict[str, Any] = {
    "customer_id": "c-1",
    "items": [{"sku": "SKU-2", "quantity": 1}, {"sku": "SKU-1", "quantity": 2}],
    "card": "4242424242424242",
}
ORDER = {"order_id": "o", "status": "confirmed", "total_cents": 8309 + 2 * 390, "currency": "EUR"}
# The receipt with all that there is to know, and with nothing but what was ordered.
WHOLE = [
    {"sku": "SKU-2", "quantity": 1, "name": "Birch Bowl", "price_cents": 8309},
    {"sku": "SKU-1", "quantity": 2, "name": "Amber Apron", "price_cents": 390},
]
BARE = CHECKOUT["items"]
NAMED = [{key: value for key, value in line.items() if key != "price_cents"} for line in WHOLE]
SLACK_SECONDS = 0.25
PATIENCE_SECONDS = catalogue.PATIENCE_SECONDS


class Behind:
    """The services behind the gateway: what the inventory has, what it was asked for, what the order service does."""

    def __init__(self) -> None:
        self.products = {"SKU-1": APRON, "SKU-2": BOWL}
        self.asked: list[list[str]] = []
        self.answer: Callable[[], Any] = lambda: None
        self.place: Callable[[], dict[str, Any]] = lambda: dict(ORDER)

    def named(self, skus: list[str], until: float | None) -> dict[str, Any]:
        """GET /products?sku=…"""
        self.asked.append(skus)
        other = self.answer()
        return other or {"products": [self.products[sku] for sku in sorted(skus) if sku in self.products]}


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> Behind:
    """They are well, and so patient is the gateway that a busy machine makes no difference."""
    services = Behind()
    monkeypatch.setattr(catalogue, "PATIENCE_SECONDS", 10)
    monkeypatch.setattr(Inventory, "products_named", lambda self, skus, until=None: services.named(skus, until))
    monkeypatch.setattr(Orders, "place", lambda self, order, key: services.place())
    monkeypatch.setenv("ORDER_URL", "http://order.invalid")
    monkeypatch.setenv("INVENTORY_URL", "http://inventory.invalid")
    monkeypatch.delenv("CACHE_URL", raising=False)
    return services


@pytest.fixture
def client(behind: Behind) -> FlaskClient:
    """The gateway without a cache."""
    return create_app().test_client()


@pytest.fixture
def cached(behind: Behind, server: Valkey, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """The gateway with an empty cache."""
    monkeypatch.setenv("CACHE_URL", server.url)
    monkeypatch.setenv("CACHE_ANSWER_MS", "1000")
    return create_app().test_client()


@pytest.fixture
def hurried(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway waits as long as it really does, and no longer."""
    monkeypatch.setattr(catalogue, "PATIENCE_SECONDS", PATIENCE_SECONDS)


def buy(client: FlaskClient) -> tuple[Any, float]:
    """The receipt of a checkout, and the seconds it took."""
    began = time.monotonic()
    answer = client.post("/checkout", json=CHECKOUT)
    seconds = time.monotonic() - began
    assert answer.status_code == 201 and answer.json is not None
    return answer.json["items"], seconds


def until(there: Callable[[], object]) -> None:
    """Wait for what happens beside the answer."""
    deadline = time.monotonic() + 10
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_miss_asks_the_inventory_once_and_a_hit_does_not(cached: FlaskClient, behind: Behind, server: Valkey) -> None:
    """Two checkouts, one question for all of the lines."""
    assert buy(cached)[0] == WHOLE
    until(lambda: len(server.cache().products(["SKU-1", "SKU-2"])) == 2)
    assert buy(cached)[0] == WHOLE
    assert behind.asked == [["SKU-2", "SKU-1"]]


def test_of_a_partial_miss_only_the_rest_is_asked_for(cached: FlaskClient, behind: Behind, server: Valkey) -> None:
    """What is known is not asked for again."""
    server.cache().keep([Product.model_validate(APRON)])
    assert buy(cached)[0] == WHOLE
    assert behind.asked == [["SKU-2"]]


def test_without_a_cache_the_inventory_is_asked_each_time(client: FlaskClient, behind: Behind) -> None:
    """And the receipt is the same."""
    assert buy(client)[0] == buy(client)[0] == WHOLE
    assert len(behind.asked) == 2


@pytest.mark.parametrize("trouble", ["kill", "pause"])
@pytest.mark.usefixtures("hurried")
def test_a_cache_that_goes_away_changes_no_answer(
    cached: FlaskClient, behind: Behind, server: Valkey, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed or paused in the middle: every checkout goes through, none much later, and the gateway stays ready."""
    monkeypatch.delenv("CACHE_ANSWER_MS")
    cached = create_app().test_client()
    buy(cached)
    getattr(server, trouble)()
    for _ in range(5):
        receipt, seconds = buy(cached)
        assert receipt in (WHOLE, BARE) and seconds < PATIENCE_SECONDS + SLACK_SECONDS
    assert cached.get("/readyz").status_code == 200
    # The inventory's word, now that nobody waits for the cache.
    monkeypatch.setattr(catalogue, "PATIENCE_SECONDS", 10)
    assert buy(cached)[0] == WHOLE
    server.resume()


def test_the_lookup_runs_while_the_order_is_placed(client: FlaskClient, behind: Behind) -> None:
    """The order waits for it here: one after the other they would never end."""
    looked_up = threading.Event()
    behind.answer = looked_up.set

    def place() -> dict[str, Any]:
        assert looked_up.wait(10), "nothing was looked up while the order was placed"
        return dict(ORDER)

    behind.place = place
    assert buy(client)[0] == WHOLE


@pytest.mark.usefixtures("hurried")
def test_a_late_lookup_is_not_waited_for(client: FlaskClient, behind: Behind) -> None:
    """A tenth of a second after the order's answer the customer has his: a bare receipt."""
    free = threading.Event()
    behind.answer = lambda: free.wait(30) and None
    receipt, seconds = buy(client)
    free.set()
    assert receipt == BARE
    assert PATIENCE_SECONDS <= seconds < PATIENCE_SECONDS + SLACK_SECONDS


def test_a_customer_who_waits_less_is_answered_in_time(client: FlaskClient, behind: Behind) -> None:
    """Of the deadline's rest the lookup gets no more than half."""
    free = threading.Event()
    behind.answer = lambda: free.wait(30) and None
    began = time.monotonic()
    answer = client.post("/checkout", json=CHECKOUT, headers={"X-Timeout-Ms": "1000"})
    seconds = time.monotonic() - began
    free.set()
    assert answer.status_code == 201 and 0.3 < seconds < 1


@pytest.mark.usefixtures("hurried")
def test_lookups_that_hang_stop_nobody(client: FlaskClient, behind: Behind) -> None:
    """With as many in hand as there may be, the next checkout looks up nothing and does not wait; then all is well."""
    free = threading.Event()
    behind.answer = lambda: free.wait(30) and None
    buyers = [threading.Thread(target=buy, args=(client,)) for _ in range(catalogue.MOST_LOOKUPS)]
    for each in buyers:
        each.start()
    for each in buyers:
        each.join()
    receipt, seconds = buy(client)
    free.set()
    assert receipt == BARE and seconds < PATIENCE_SECONDS
    behind.answer = lambda: None
    until(lambda: buy(client)[0] == WHOLE)


TROUBLES: dict[str, Callable[[], Any]] = {
    "away": lambda: (_ for _ in ()).throw(Problem(503, "inventory cannot be reached")),
    "of a kind that nobody thought of": lambda: (_ for _ in ()).throw(RuntimeError("secret")),
    "an answer without products": lambda: {"produce": []},
    "an answer with what are no products": lambda: {"products": [{"sku": 7}]},
    "an answer that is no list": lambda: {"products": 7},
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_lookup_that_fails_fails_alone(client: FlaskClient, behind: Behind, trouble: Callable[[], Any]) -> None:
    """The order stands, and so does its answer."""
    behind.answer = trouble
    assert buy(client)[0] == BARE


def test_a_price_that_was_not_paid_is_not_shown(cached: FlaskClient, behind: Behind, server: Valkey) -> None:
    """The inventory's price counts. The cache's old one is left out, and forgotten; the next receipt is whole."""
    old = [Product.model_validate({**each, "price_cents": 1}) for each in (APRON, BOWL)]
    server.cache().keep(old)
    assert buy(cached)[0] == NAMED
    until(lambda: not server.cache().products(["SKU-1", "SKU-2"]))
    assert buy(cached)[0] == WHOLE


def test_of_a_product_that_nobody_knows_there_is_no_name(client: FlaskClient, behind: Behind) -> None:
    """And no price of any: whether they are right cannot be said."""
    del behind.products["SKU-2"]
    assert buy(client)[0] == [BARE[0], NAMED[1]]


def test_a_failed_order_has_no_receipt(client: FlaskClient, behind: Behind) -> None:
    """The problem is the order's, at once, whatever the lookup does."""
    free = threading.Event()
    behind.answer = lambda: free.wait(30) and None

    def place() -> dict[str, Any]:
        raise Problem(422, "there is no product SKU-2", skus=["SKU-2"])

    behind.place = place
    began = time.monotonic()
    answer = client.post("/checkout", json=CHECKOUT)
    seconds = time.monotonic() - began
    free.set()
    assert answer.status_code == 422 and seconds < 5
    assert answer.json is not None and answer.json["skus"] == ["SKU-2"] and "items" not in answer.json


def test_a_page_comes_from_the_cache_until_a_price_changes(
    cached: FlaskClient, behind: Behind, server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GET /products asks the inventory once for each page, and again when one of its products was dropped."""
    asked: list[tuple[str | None, str | None]] = []

    def products(self: Inventory, after: str | None, limit: str | None) -> dict[str, Any]:
        asked.append((after, limit))
        if limit in ("", "0", "None"):
            raise Problem(422, "limit must be a number from 1 to 1000")
        return {"products": list(behind.products.values()), "next": "SKU-2"}

    monkeypatch.setattr(Inventory, "products", products)
    first = cached.get("/products?limit=2").json
    until(lambda: server.cache().page(page_key(None, "2")))
    second = cached.get("/products?limit=2").json
    assert first == second == {"products": [APRON, BOWL], "next": "SKU-2"}
    assert asked == [(None, "2")]
    assert cached.get("/products?limit=2&after=SKU-0").status_code == 200
    assert len(asked) == 2
    # It keeps the products, too, once it has answered: not after they were dropped.
    until(lambda: server.cache().page(page_key("SKU-0", "2")))
    behind.products["SKU-1"] = {**APRON, "price_cents": 400}
    server.cache().drop(["SKU-1"])
    changed = cached.get("/products?limit=2").json
    assert changed is not None and changed["products"][0]["price_cents"] == 400
    assert cached.get("/products").status_code == 200
    until(lambda: server.cache().page(page_key(None, None)))
    for wrong in ("0", "", "None"):
        assert [cached.get(f"/products?limit={wrong}").status_code for _ in range(2)] == [422, 422]
