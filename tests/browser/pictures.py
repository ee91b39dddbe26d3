"""Takes the console's pictures in docs/images anew: `.venv/bin/python -m tests.browser.pictures`, on a quiet machine.

A stack of its own with the whole ledger, checkouts before the fix and after it, a Chromium that looks at its pages in
the light scheme. Look at the pictures afterwards.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import BROWSERS
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.settings import ROOT

IMAGES = ROOT / "docs" / "images"
BEFORE, AFTER = 25, 45  # checkouts
WINDOW = {"width": 1280, "height": 800}


def buy(stack: ScratchStack, count: int) -> str:
    """So many checkouts, one after the other; the last one's trace."""
    found = re.findall(r"/trace/([0-9a-f]{32})", stack.must("checkout", "--count", str(count)))
    if len(found) != count:
        raise RuntimeError(f"{count} checkouts were made, and {len(found)} have a trace")
    stack.must("trace", found[-1])  # which waits until it is there
    return str(found[-1])


def take(page: Page, name: str, path: str) -> None:
    """One page, when its scripts have drawn."""
    page.goto(path)
    if path.startswith("/trace/"):
        page.wait_for_selector("body[data-ready]")
    elif path in ("/", "/services"):
        page.wait_for_selector(".u-over" if path == "/" else ".map svg")
    page.wait_for_function("document.fonts.status === 'loaded'")
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png")


def main() -> None:
    """Take all of them."""
    browser_path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with (
        tempfile.TemporaryDirectory() as folder,
        ScratchStack(Path(folder) / "state").running() as stack,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"]) as browser,
        browser.new_context(viewport=WINDOW, color_scheme="light", base_url=stack.settings.console_url) as context,  # type: ignore[arg-type]
    ):
        page = context.new_page()
        slow = buy(stack, BEFORE)
        take(page, "trace-broken", f"/trace/{slow}")
        take(page, "services", "/services")
        stack.must("fix")
        quick = buy(stack, AFTER)
        take(page, "search", "/")
        take(page, "trace-fixed", f"/trace/{quick}")
        take(page, "compare", f"/compare/{slow}...{quick}")


if __name__ == "__main__":
    main()
