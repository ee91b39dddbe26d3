"""Files opened in the console, as a browser sends them: its own forms are not taken for another site's."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

TESTS = Path(__file__).parents[1]
ONE = TESTS / "fixtures" / "traces" / "node_retries.otlp.json"

FILE = """text => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], "dropped.json"));
    return transfer;
}"""


def test_a_file_dropped_on_any_page_is_opened(page: Page) -> None:
    """Its one trace is shown with its diagnosis."""
    page.goto("/")
    dropped = page.evaluate_handle(FILE, ONE.read_text())
    with page.expect_navigation(url="**/open/*/1"):
        page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    expect(page.locator("#diagnosis h2")).to_contain_text("problem")
    expect(page.locator("#rows")).to_contain_text("GET /product/:id")


def test_a_file_chosen_in_the_form_is_listed_until_it_is_closed(page: Page) -> None:
    """Several traces are a list; closing it takes it off the page of files."""
    page.goto("/open")
    page.set_input_files("main input[type=file]", TESTS / "contract" / "input.otlp.json")
    page.get_by_role("button", name="Open", exact=True).click()
    page.wait_for_url("**/open/*")
    expect(page.locator("table.traces tbody tr")).to_have_count(7)
    page.goto("/open")
    page.get_by_role("button", name="Close input.otlp.json").click()
    expect(page.get_by_role("link", name="input.otlp.json")).to_have_count(0)


def test_what_cannot_be_opened_is_told(page: Page) -> None:
    """A page with one sentence."""
    page.goto("/open")
    page.set_input_files("main input[type=file]", {"name": "notes.md", "mimeType": "", "buffer": b"# notes"})
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator(".message")).to_contain_text("notes.md: it is not JSON")


def test_opened_files_fit_a_phone(browser: Browser, console_url: str) -> None:
    """However long the names of files and of spans are, nothing has to be scrolled sideways."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{console_url}/open")
    page.set_input_files("input[name=file]", str(ONE.with_name("java_hibernate_n_plus_one.jaeger.json")))
    page.click("form button:has-text('Open')")
    page.wait_for_url(lambda url: not url.endswith("/open"))
    page.goto(f"{console_url}/open")
    expect(page.locator("table.files")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()
