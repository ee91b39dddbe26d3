"""Pages that a classroom seldom sees, at every size: a large system's trace, no traces at all, no Jaeger."""

import contextlib
import json
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from services.jaeger.settings import Settings as JaegerSettings
from tests.browser.conftest import FAST
from tests.browser.serving import serving
from tests.browser.test_layout import LAYOUT, SIZES, drawn
from tests.unit.console.console_traces import document, span
from tests.unit.jaeger.stand_in import StandIn
from workshop.console.app import create_app
from workshop.console.settings import Settings

LARGE = "7" * 32
SPANS, SERVICES = 300, 40
LONG = "com.example.billing.invoices.InvoiceReconciliationOrchestrator/ReconcileOutstandingInvoicesForTenant"
BAD = "UPDATE invoice_reconciliation_candidates"


def large(start: int) -> dict[str, object]:
    """300 spans of 40 services with long names, twelve deep, as a large system has them; one failed, one is long."""
    services: dict[str, list[dict[str, object]]] = {}
    for number in range(1, SPANS + 1):
        parent = 0 if number == 1 else number - 1 if number % 12 else max(1, number - 12)
        name = BAD if number == 290 else f"{LONG} {number}" if number % 7 == 0 else f"step {number}"
        begin = start + number * 2_000_000
        end = start + 900_000_000 if number % 12 else begin + 40_000_000
        service = f"reconciliation-service-of-the-billing-department-{number % SERVICES}"
        status = {"status": {"code": 2, "message": "deadlock detected " * 20}} if number == 290 else {}
        services.setdefault(service, []).append(span(LARGE, number, parent, name, 2, begin, end, **status))
    return document(services)


@pytest.fixture(scope="module")
def consoles() -> Iterator[dict[str, str]]:
    """The addresses of three consoles: on a Jaeger with that trace, on an empty one, and on none."""
    settings = JaegerSettings(bind=("127.0.0.1", 0), otlp_bind=("127.0.0.1", 0))
    stand_ins = {"large": StandIn(settings), "empty": StandIn(settings)}
    told = json.dumps(large(time.time_ns() - 60 * 10**9)).encode()
    assert stand_ins["large"].export(told, "application/json").status_code == 200
    urls = {name: each.query_url for name, each in stand_ins.items()} | {"away": "http://127.0.0.1:1"}
    with contextlib.ExitStack() as served:
        yield {name: served.enter_context(serving(create_app(Settings(jaeger_url=url)))) for name, url in urls.items()}
    for each in stand_ins.values():
        each.close()


@pytest.mark.parametrize(
    ("console", "path", "words"),
    [
        ("large", "/", "1 trace"),
        ("large", f"/trace/{LARGE}", "40 services"),
        ("large", f"/trace/{LARGE}#{290:016x}", "deadlock detected"),
        ("large", "/services", "reconciliation-service"),
        ("empty", "/", "No trace"),
        ("empty", "/services", "No trace"),
        ("empty", f"/trace/{FAST}?try=5", FAST),
        ("away", "/", "Jaeger"),
        ("away", f"/trace/{FAST}", "Jaeger"),
        ("away", "/services", "Jaeger"),
    ],
)
@pytest.mark.parametrize("size", SIZES)
def test_a_rare_page_is_whole(
    browser: Browser, consoles: dict[str, str], size: str, console: str, path: str, words: str
) -> None:
    """It says what it is about; boxes are as on every other page, light and dark."""
    width, height, scale = SIZES[size]
    with browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale) as context:
        page = context.new_page()
        drawn(page, consoles[console] + path)
        expect(page.locator("main")).to_contain_text(words)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # Names as long as a line may end with dots; but on a phone that of the failed span is whole.
            told = [each for each in page.evaluate(LAYOUT) if not re.match(r"span\.(service|label) .* is cut at", each)]
            assert told == []
        if "#" in path and console == "large":
            failed = page.locator(".row.selected .label")
            box, scroller = failed.bounding_box(), page.locator(".scroller").bounding_box()
            assert box and scroller and box["y"] >= scroller["y"]
            assert box["y"] + box["height"] <= scroller["y"] + scroller["height"]
            assert failed.evaluate("each => each.scrollWidth - each.clientWidth") <= 0
            assert size == "phone" or failed.evaluate("each => each.scrollHeight - each.clientHeight") <= 1
