"""The checkout on a real stack: what it answers, and what it leaves in the databases."""

import json
import uuid

import pytest
import requests

from .conftest import Eventually, Stack

DECLINED_CARD = "4000000000000002"
FAILING_CARD = "4000000000000119"


def order(stack: Stack, order_id: str) -> dict[str, object]:
    """The order as the public API shows it."""
    answer = requests.get(f"{stack.gateway}/orders/{order_id}", timeout=10)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_checkout_is_confirmed(stack: Stack) -> None:
    """The answer has the order and its trace; the header names the same trace; the stock is taken."""
    before = stack.on_hand("SKU-00100")
    answer = stack.checkout(("SKU-00100", 2), ("SKU-00200", 1))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert set(body) == {"order_id", "status", "total_cents", "currency", "items", "trace_id"}
    assert body["status"] == "confirmed"
    assert answer.headers["traceresponse"].split("-")[1] == body["trace_id"]
    assert stack.on_hand("SKU-00100") == before - 2
    shown = order(stack, body["order_id"])
    assert (shown["status"], shown["total_cents"]) == ("confirmed", body["total_cents"])


def test_the_total_is_what_the_catalogue_says(stack: Stack) -> None:
    """Prices times pieces."""
    products = requests.get(f"{stack.gateway}/products?limit=2&after=SKU-00099", timeout=10).json()["products"]
    answer = stack.checkout(*[(product["sku"], 3) for product in products])
    assert answer.json()["total_cents"] == sum(3 * product["price_cents"] for product in products)


def test_a_confirmed_order_is_announced(stack: Stack, eventually: Eventually) -> None:
    """The worker delivers the message of the outbox, and the outbox is empty again."""
    order_id = stack.checkout().json()["order_id"]
    eventually("the order is announced", lambda: order(stack, order_id)["announced_at"])
    with stack.orders() as connection:
        waiting = connection.execute("SELECT count(*) FROM outbox WHERE order_id = %s", (order_id,)).fetchone()
    assert waiting == (0,)


@pytest.mark.parametrize(
    ("card", "status", "reason"),
    [(DECLINED_CARD, 402, "card_declined"), (FAILING_CARD, 502, "the payment provider failed 3 times")],
    ids=["declined", "provider fails"],
)
def test_a_failed_charge_is_compensated(stack: Stack, card: str, status: int, reason: str) -> None:
    """The stock is given back, and the order says why it failed."""
    before = stack.on_hand("SKU-00300")
    answer = stack.checkout(("SKU-00300", 5), card=card)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert stack.on_hand("SKU-00300") == before
    shown = order(stack, answer.json()["order_id"])
    assert shown["status"] == "failed"
    assert reason in str(shown["reason"])


def test_an_unknown_product_is_422(stack: Stack) -> None:
    """Nothing is reserved, and the order failed."""
    before = stack.on_hand("SKU-00300")
    answer = stack.checkout(("SKU-00300", 1), ("NO-SUCH-THING", 1))
    assert answer.status_code == 422
    assert "NO-SUCH-THING" in answer.json()["detail"]
    assert stack.on_hand("SKU-00300") == before


def test_too_few_pieces_are_409(stack: Stack) -> None:
    """What is not there cannot be bought, and the last pieces can."""
    with stack.inventory() as connection:
        connection.execute("INSERT INTO product VALUES ('RARE-1', 'Rare thing', 500, 'EUR') ON CONFLICT DO NOTHING")
        connection.execute("INSERT INTO stock_movement (sku, quantity, reason) VALUES ('RARE-1', 3, 'delivery')")
    refused = stack.checkout(("RARE-1", 4), ("SKU-00300", 1))
    assert refused.status_code == 409
    assert refused.json()["reason"] == "out_of_stock"
    assert refused.json()["detail"] == "RARE-1: 4 wanted, 3 on hand"
    assert stack.checkout(("RARE-1", 3)).status_code == 201
    assert stack.checkout(("RARE-1", 1)).status_code == 409


def test_the_catalogue_is_paged(stack: Stack) -> None:
    """Following `next` shows each product once."""
    first = requests.get(f"{stack.gateway}/products?limit=3", timeout=10).json()
    second = requests.get(f"{stack.gateway}/products", params={"limit": 3, "after": first["next"]}, timeout=10).json()
    skus = [product["sku"] for page in (first, second) for product in page["products"]]
    assert len(set(skus)) == 6
    assert skus == sorted(skus)


def test_an_order_that_is_not_there_is_404(stack: Stack) -> None:
    """A problem, not an empty answer."""
    answer = requests.get(f"{stack.gateway}/orders/{uuid.uuid4()}", timeout=10)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_no_log_line_holds_a_card_number(stack: Stack) -> None:
    """Whatever became of the checkouts, their cards are in no log; each line is a JSON object."""
    services = [
        stack.settings.logs / f"{name}.log" for name in ("gateway", "order", "inventory", "payment", "order-worker")
    ]
    # What came before may be the last words of a process that a test has ended.
    before = {path: len(path.read_text()) for path in services}
    for card in ("4242424242424242", DECLINED_CARD):
        stack.checkout(card=card)
    logs = list(stack.settings.logs.glob("*.log"))
    assert logs
    for path in logs:
        text = path.read_text()
        assert "4242424242424242" not in text, path
        assert DECLINED_CARD not in text, path
    for path in services:
        lines = path.read_text()[before[path] :].split("\n")
        for line in lines[:-1]:  # the last one may be half written
            assert {"time", "service", "level", "message"} <= set(json.loads(line)), line


def test_the_shop_page_is_served(stack: Stack) -> None:
    """The page and what it loads."""
    page = requests.get(stack.gateway, timeout=10)
    assert page.status_code == 200
    assert f"{stack.settings.jaeger_url}/trace/{{trace_id}}" in page.text
    for path in ("/static/shop.js", "/static/shop.css"):
        assert path in page.text
        assert requests.get(stack.gateway + path, timeout=10).status_code == 200


def test_a_repetition_gets_the_same_order(stack: Stack) -> None:
    """The same Idempotency-Key and body: one order, one charge, the stock taken once."""
    before = stack.on_hand("SKU-00400")
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers = [stack.checkout(("SKU-00400", 1), **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["order_id"] == answers[1].json()["order_id"]
    assert stack.on_hand("SKU-00400") == before - 1


def test_a_repeated_refusal_is_the_same_refusal(stack: Stack) -> None:
    """Also a declined card is remembered."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers = [stack.checkout(card=DECLINED_CARD, **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [402, 402]
    assert answers[0].json()["order_id"] == answers[1].json()["order_id"]


def test_a_key_belongs_to_one_order(stack: Stack) -> None:
    """Another order with the same key is 422."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert stack.checkout(("SKU-00400", 1), **key).status_code == 201
    assert stack.checkout(("SKU-00401", 1), **key).status_code == 422


def test_our_own_failure_frees_the_key(stack: Stack) -> None:
    """After a 502 the customer may try again with the same key, and succeed."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert stack.checkout(card=FAILING_CARD, **key).status_code == 502
    assert stack.checkout(**key).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "ü"], ids=["empty", "blank", "long", "not ASCII"])
def test_a_malformed_key_is_400(stack: Stack, key: str) -> None:
    """Nothing is ordered."""
    assert stack.checkout(**{"Idempotency-Key": key.encode().decode("latin-1")}).status_code == 400


def test_a_deadline_is_kept(stack: Stack) -> None:
    """A client that waits 1 ms gets 504, and nothing is left taken."""
    before = stack.on_hand("SKU-00500")
    answer = stack.checkout(("SKU-00500", 1), **{"X-Timeout-Ms": "1"})
    assert answer.status_code == 504
    assert stack.on_hand("SKU-00500") == before
