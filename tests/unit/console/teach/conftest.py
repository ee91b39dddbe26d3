"""A console with a teacher's page, on a stand-in for the commands."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.unit.console.conftest import FakeJaeger
from workshop.console.app import create_app
from workshop.console.settings import Settings
from workshop.console.teach import work

TOKEN = "the-token-of-today"
SPANS = Path(__file__).with_name("spans.py")
Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's folder, in a state folder of its own; what was started there is ended."""
    monkeypatch.setattr(work, "COMMAND", (sys.executable, "-u", str(SPANS), str(tmp_path)))
    found = tmp_path / "teacher"
    found.mkdir()
    (found / "token").write_text(TOKEN)
    yield found
    for process in work.interrupt_all(found):
        process.wait(10)


@pytest.fixture
def stranger(folder: Path) -> FlaskClient:
    """A browser on this machine that has not opened the teacher's address."""
    return create_app(Settings(teacher_folder=str(folder)), client=FakeJaeger()).test_client()


@pytest.fixture
def teacher(stranger: FlaskClient) -> FlaskClient:
    """One that has."""
    assert stranger.get(f"/teach/{TOKEN}").status_code == 303
    return stranger


@pytest.fixture
def form(teacher: FlaskClient) -> str:
    """What the page's forms have in them."""
    found = re.search(r'name="form" value="([0-9a-f]{64})"', teacher.get("/teach").text)
    assert found
    return found[1]


@pytest.fixture
def eventually() -> Eventually:
    """Waits until a check is true."""

    def wait(check: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not check():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    return wait
