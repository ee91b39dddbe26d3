"""The shop's page in a browser, in front of replaced services: what a customer does, by mouse and by keyboard."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from common.errors import Problem
from gateway.app import create_app
from gateway.clients import Inventory, Orders
from services.postgres.seed import products
from tests.browser.serving import serving

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
        last = (last + 9) % (len(CATALOGUE) - 9)
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
    with serving(create_app()) as url:
        yield url


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
    expect(shop.locator("#receipt .sum").last).to_have_text("€12.34")
    expect(shop.locator("#basket li")).to_have_count(0)
    expect(shop.locator("#buy")).to_be_focused()
    assert [item["quantity"] for item in placed[0]["items"]] == [3]


def test_a_declined_card_is_told(shop: Page, placed: list[dict[str, Any]]) -> None:
    """In a customer's words, and the basket stays."""
    shop.locator("#catalogue button").first.click()
    shop.select_option("#card", "4000000000000002")
    shop.click("#buy")
    expect(shop.locator("#words")).to_contain_text("Your card was declined. Nothing was bought")
    expect(shop.locator("#checkouts li.bad .status")).to_have_text("✗ 402")
    waited = shop.locator("#clock").inner_text().removesuffix(" ms")
    expect(shop.locator("#checkouts li.bad .ms")).to_have_text(waited)
    expect(shop.locator("#basket li")).to_have_count(1)
    assert len(placed) == 1


def test_a_receipt_goes_when_something_else_is_bought(shop: Page) -> None:
    """What was bought before does not stand beside "you were not charged"; nor is there an empty one at first."""
    receipt = shop.locator("#receipt")
    expect(receipt).to_be_hidden()
    shop.locator("#catalogue button").first.click()
    shop.click("#buy")
    expect(receipt).to_be_visible()
    shop.locator("#catalogue button").first.click()
    shop.select_option("#card", "4000000000000002")
    shop.click("#buy")
    expect(shop.locator("#words")).to_contain_text("declined")
    expect(receipt).to_be_hidden()


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
    expect(shop.locator("#words")).to_contain_text("Trying again")
    expect(shop.locator("#words")).to_contain_text("is confirmed")
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


def test_the_basket_has_prices_and_a_total(shop: Page) -> None:
    """They follow the quantities."""
    shop.locator("#catalogue button").first.click()
    price = shop.locator("#catalogue .price").first.inner_text()
    expect(shop.locator("#sum")).to_have_text(price)
    shop.locator("#basket input").fill("2")
    shop.locator("#basket input").press("Tab")
    twice = f"{price[0]}{2 * float(price[1:]):.2f}"
    expect(shop.locator("#basket .price")).to_have_text(twice)
    expect(shop.locator("#sum")).to_have_text(twice)


def test_the_time_runs_while_the_customer_waits(shop: Page) -> None:
    """In large digits; what they end with is told as slow or quick, and not by colour alone."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    shop.route("**/checkout", hold)
    shop.locator("#catalogue button").first.click()
    shop.click("#buy")
    clock = shop.locator("#clock")
    expect(clock).to_have_text(re.compile(r"^(3[0-9]{2}|[4-9][0-9]{2}|[0-9]{4,}) ms$"))
    early = clock.inner_text()
    expect(clock).not_to_have_text(early)
    held[0].continue_()
    expect(shop.locator("#checkouts li")).to_have_count(1)
    expect(clock).to_have_class("slow")
    assert int(clock.inner_text().split()[0]) > 300
    assert "slow" in (shop.locator("#checkouts [aria-label]").get_attribute("aria-label") or "")


def test_the_last_twenty_are_there_again_after_a_reload(shop: Page) -> None:
    """As bars over time, the longest wait the tallest, each leading to its trace."""
    made = [{"status": 201, "ms": 100 + 10 * n, "at": 1_795_516_267_000 + n, "traceId": f"{n:032x}"} for n in range(25)]
    shop.evaluate("made => localStorage.setItem('checkouts', JSON.stringify(made))", made)
    shop.reload()
    bars = shop.locator("#checkouts li")
    expect(bars).to_have_count(25)
    shop.locator("#catalogue button").first.click()
    shop.click("#buy")
    expect(bars).to_have_count(20)
    heights = [bar.bounding_box()["height"] for bar in shop.locator("#checkouts .bar").all()[:19]]  # type: ignore[index]
    assert heights == sorted(heights)
    assert heights[-1] > heights[0] + 10
    links = [link.get_attribute("href") or "" for link in shop.locator("#checkouts a").all()]
    assert links[0].endswith(f"/trace/{6:032x}")


@pytest.mark.parametrize(("flags", "there"), [("01", True), ("03", True), ("00", False), ("02", False)])
def test_a_trace_that_is_not_kept_is_not_linked(shop: Page, flags: str, there: bool) -> None:
    """Its page would answer 404: the bar is no link, and says why; after a reload, too."""
    named = {"traceresponse": f"00-{'a' * 32}-{'b' * 16}-{flags}"}
    bought = {"order_id": "o", "total_cents": 1, "currency": "EUR", "items": [], "trace_id": "a" * 32}
    shop.route("**/checkout", lambda route: route.fulfill(status=201, headers=named, json=bought))
    shop.locator("#catalogue button").first.click()
    shop.click("#buy")
    expect(shop.locator("#checkouts li")).to_have_count(1)
    shop.reload()
    expect(shop.locator("#checkouts a")).to_have_count(int(there))
    told = shop.locator("#checkouts [aria-label]").get_attribute("aria-label") or ""
    assert told.endswith("see its trace" if there else "not sampled, so there is no trace")


@pytest.mark.parametrize("kept", ["no JSON", "{}", '[null, 3, {"ms": "x"}]'])
def test_what_somebody_else_kept_there_harms_nothing(shop: Page, kept: str) -> None:
    """A browser's storage is anybody's."""
    shop.evaluate("kept => localStorage.setItem('checkouts', kept)", kept)
    shop.reload()
    expect(shop.locator("#catalogue li")).to_have_count(9)
    expect(shop.locator("#none")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_use_it(shop: Page, scheme: Literal["light", "dark"]) -> None:
    """axe-core finds nothing: names, roles, contrast, with a basket, a receipt and a failure on the page."""
    shop.emulate_media(color_scheme=scheme)
    shop.locator("#catalogue button").first.click()
    shop.click("#buy")
    expect(shop.locator("#receipt")).to_be_visible()
    shop.locator("#catalogue button").first.click()
    shop.select_option("#card", "4000000000000002")
    shop.click("#buy")
    expect(shop.locator("#words.bad")).to_be_visible()
    found = Axe().run(shop)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 390, 768, 800, 1280, 1920])
def test_the_shop_fits_the_window(shop: Page, width: int) -> None:
    """Nothing has to be scrolled sideways."""
    shop.set_viewport_size({"width": width, "height": 700})
    assert shop.evaluate("document.documentElement.scrollWidth") == width
