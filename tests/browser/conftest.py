"""A console on a stand-in for Jaeger, both real and in this process, and a headless Chromium that looks at them."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from services.jaeger.settings import Settings as JaegerSettings
from tests.browser.serving import serving
from tests.unit.console.console_traces import checkout, hostile, huge, repeats
from tests.unit.jaeger.stand_in import StandIn
from workshop.console.app import create_app
from workshop.console.settings import Settings

SLOW, FAST, DECLINED, HOSTILE, HUGE, REPEATS, FULL, OUTAGE = (digit * 32 for digit in "abcde123")
HUGE_SPANS = 5_000
RECORDED = Path(__file__).parent / "recorded"
TEACHER = "a-token-of-the-teachers"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def recorded(name: str, trace_id: str, start: int) -> Any:
    """A recorded trace under another id, begun at another time (Unix ns)."""
    text = (RECORDED / f"{name}.otlp.json").read_text()
    (old_id,) = set(re.findall(r'"traceId": "(\w+)"', text))
    times = [int(each) for each in re.findall(r'UnixNano": "(\d+)"', text)]
    moved = start - min(times)
    text = re.sub(r'(UnixNano": ")(\d+)"', lambda match: f'{match[1]}{int(match[2]) + moved}"', text)
    return json.loads(text.replace(old_id, trace_id))


@pytest.fixture(scope="session")
def jaeger() -> Iterator[StandIn]:
    """A stand-in with checkouts of the last minutes, a hostile trace and a huge one."""
    stand_in = StandIn(JaegerSettings(bind=("127.0.0.1", 0), otlp_bind=("127.0.0.1", 0)))
    start = time.time_ns() - 120 * 10**9
    for document in (
        checkout(SLOW, start, 812),
        checkout(FAST, start + 10 * 10**9, 1),
        checkout(DECLINED, start + 20 * 10**9, 1, failed=True),
        hostile(HOSTILE, start + 30 * 10**9),
        repeats(REPEATS, start + 50 * 10**9),
        recorded("slow_checkout", FULL, start + 60 * 10**9),
        recorded("provider_outage", OUTAGE, start + 70 * 10**9),
        huge(HUGE, start + 40 * 10**9, HUGE_SPANS),
    ):
        assert stand_in.export(json.dumps(document).encode(), "application/json").status_code == 200
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="session")
def teaching(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that a test writes to have every browser quiet."""
    return tmp_path_factory.mktemp("teaching") / "teaching"


@pytest.fixture(scope="session")
def console_url(jaeger: StandIn, teaching: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The console's address; the index was created between the slow checkout and the fast one."""
    history = tmp_path_factory.mktemp("history") / "checkouts.jsonl"
    history.write_text(json.dumps({"time": time.time() - 115, "kind": "fix"}) + "\n")
    # The teacher's page asks the real commands, about a system that is not up.
    teacher = tmp_path_factory.mktemp("state") / "teacher"
    teacher.mkdir()
    (teacher / "token").write_text(TEACHER)
    settings = Settings(
        jaeger_url=jaeger.query_url, history=str(history), teaching=str(teaching), teacher_folder=str(teacher)
    )
    with serving(create_app(settings)) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the tests are skipped, or fail where REQUIRE_BROWSER=1."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not path:
        reason = f"no browser found (none of {', '.join(BROWSERS)} on PATH): install chromium, or set CHROMIUM"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Chromium's own sandbox does not start as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, console_url: str) -> Iterator[Page]:
    """A fresh window on the console; an error in one of its scripts fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=console_url)
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on(
        "console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None
    )
    yield opened
    context.close()
    assert errors == []
