"""The shop's page in a browser, in front of replaced services: what a customer does, by mouse and by keyboard."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from waitress.server import create_server

from common.errors import Problem
from gateway.app import create_app
from gateway.clients import Inventory, Orders
from services.postgres.seed import products

CATALOGUE = [
    {"sku": sku, "name": name, "price_cents": price, "currency": currency}
    for sku, name, price, currency in products(200)
]


@pytest.fixture(scope="module")
def placed() -> Iterator[list[dict[str, Any]]]:
    """The orders that the customer placed; a card ending in 0002 is declined."""
    orders: list[dict[str, Any]] = []
    last = 0

    def place(self: Orders, order: dict[str, Any], idempotency_key: str) -> dict[str, Any]:
        orders.append(order)
        if order["card"].endswith("0002"):
            raise Problem(402, "the card was declined")
        return {"order_id": "o", "status": "confirmed", "total_cents": 1234, "currency": "EUR"}

    def catalogue(self: Inventory, after: str | None, limit: str | None) -> dict[str, Any]:
        nonlocal last
        last += 9
        return {"products": CATALOGUE[last : last + 9], "next": None}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Orders, "place", place)
        patch.setattr(Inventory, "products", catalogue)
        patch.setenv("ORDER_URL", "http://order.invalid")
        patch.setenv("INVENTORY_URL", "http://inventory.invalid")
        yield orders


@pytest.fixture(scope="module")
def shop_url(placed: list[dict[str, Any]]) -> Iterator[str]:
    """The shop's address."""
    server = create_server(create_app(), host="127.0.0.1", port=0, ident=None)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


@pytest.fixture
def shop(browser: Browser, shop_url: str, placed: list[dict[str, Any]]) -> Iterator[Page]:
    """The shop in a fresh window, its products shown; an error in its script fails the test."""
    placed.clear()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(10_000)
    page.goto(shop_url)
    expect(page.locator("#catalogue li")).to_have_count(9)
    yield page
    page.close()
    assert errors == []


def test_a_customer_buys_with_the_keyboard_alone(shop: Page, placed: list[dict[str, Any]]) -> None:
    """Quantities are changed and the basket is bought without the focus getting lost."""
    shop.locator("#catalogue button").first.click()
    pieces = shop.locator("#basket input")
    pieces.focus()
    for _ in range(2):
        shop.keyboard.press("ArrowUp")
    expect(pieces).to_have_value("3")
    expect(pieces).to_be_focused()
    shop.keyboard.press("Enter")
    expect(shop.locator("#checkouts li")).to_have_count(1)
    expect(shop.locator("#checkouts")).to_contain_text("confirmed, €12.34")
    expect(pieces).to_be_focused()
    assert [item["quantity"] for item in placed[0]["items"]] == [3]


def test_a_declined_card_is_told(shop: Page, placed: list[dict[str, Any]]) -> None:
    """In the answer's own words, and the basket stays."""
    shop.locator("#catalogue button").first.click()
    shop.select_option("#card", "4000000000000002")
    shop.click("#buy")
    expect(shop.locator("#checkouts li")).to_contain_text("402 the card was declined")
    expect(shop.locator("#basket li")).to_have_count(1)
    assert len(placed) == 1


def test_who_is_refused_comes_again_with_the_same_key(shop: Page, placed: list[dict[str, Any]]) -> None:
    """The gateway is restarted: the first attempt is refused, the second breaks, the third buys once."""
    keys: list[str | None] = []

    def restarted(route: Route) -> None:
        keys.append(route.request.header_value("Idempotency-Key"))
        reasons = {1: "connectionrefused", 2: "connectionreset"}
        route.abort(reasons[len(keys)]) if len(keys) in reasons else route.continue_()

    shop.route("**/checkout", restarted)
    shop.locator("#catalogue button").first.click()
    shop.click("#buy")
    expect(shop.locator("#wait")).to_contain_text("trying again")
    expect(shop.locator("#checkouts")).to_contain_text("confirmed")
    expect(shop.locator("#wait")).to_have_text("")
    assert len(placed) == 1
    assert len(keys) == 3 and keys[0] and len(set(keys)) == 1


def test_a_basket_that_the_shop_does_not_take_says_so(shop: Page, placed: list[dict[str, Any]]) -> None:
    """Twenty products are the most; nothing is sent, and removing one makes it right again."""
    expect(shop.locator("#buy")).to_be_disabled()
    for _ in range(3):
        for button in shop.locator("#catalogue button").all()[:7]:
            button.click()
        first = shop.locator("#catalogue .name").first.inner_text()
        shop.click("#other")
        expect(shop.locator("#catalogue .name").first).not_to_have_text(first)
    expect(shop.locator("#limit")).to_have_text("At most 20 different products at once: remove 1.")
    shop.locator("#buy").press("Enter")
    assert placed == []
    shop.locator("#basket button").first.click()
    expect(shop.locator("#limit")).to_be_hidden()
    expect(shop.locator("#basket button").first).to_be_focused()
    shop.click("#buy")
    expect(shop.locator("#checkouts li")).to_have_count(1)
    assert [len(order["items"]) for order in placed] == [20]


@pytest.mark.parametrize("width", [320, 768])
def test_the_shop_fits_the_window(shop: Page, width: int) -> None:
    """Nothing has to be scrolled sideways."""
    shop.set_viewport_size({"width": width, "height": 700})
    assert shop.evaluate("document.documentElement.scrollWidth") == width
