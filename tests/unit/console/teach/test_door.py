"""Who gets to the teacher's page: this machine's browser with the token, and nobody else."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.unit.console.conftest import FakeJaeger
from tests.unit.console.teach.conftest import TOKEN
from workshop.console.app import create_app
from workshop.console.settings import Settings
from workshop.console.teach import address
from workshop.stack import settings as stack

ELSEWHERE: list[dict[str, Any]] = [
    {"environ_overrides": {"REMOTE_ADDR": "192.168.1.20"}},
    {"environ_overrides": {"REMOTE_ADDR": "172.17.0.1"}},
    {"environ_overrides": {"REMOTE_ADDR": "::ffff:10.0.0.1"}},
    {"environ_overrides": {"REMOTE_ADDR": ""}},
    {"headers": {"Host": "console:8085"}},
    {"headers": {"Host": "evil.example"}},
    {"headers": {"Host": "127.0.0.1.evil.example"}},
    {"headers": {"Host": ""}},
    {"headers": {"X-Room": "1"}},
    {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    {"headers": {"Forwarded": "for=10.0.0.1"}},
]
CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://evil.example"},
    {"Origin": "http://localhost:8080"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("how", ELSEWHERE, ids=str)
@pytest.mark.parametrize("path", ["/teach", "/teach/now", f"/teach/{TOKEN}"])
def test_whoever_asks_from_elsewhere_is_refused(teacher: FlaskClient, how: dict[str, Any], path: str) -> None:
    """Token and cookie do not help: another peer, another Host, somebody's proxy in between."""
    answer = teacher.get(path, **how)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert "first-fault" not in answer.text


@pytest.mark.parametrize("how", ELSEWHERE, ids=str)
def test_nothing_is_changed_from_elsewhere(teacher: FlaskClient, form: str, folder: Path, how: dict[str, Any]) -> None:
    """Nor with the form of the page."""
    answer = teacher.post("/teach/break", data={"form": form, "name": "first-fault"}, **how)
    assert answer.status_code == 403
    assert not (folder / "change.json").exists()


@pytest.mark.parametrize("host", ["localhost:8085", "127.0.0.1:8085", "[::1]:8085", "LOCALHOST"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_gets_in_by_any_of_its_names(stranger: FlaskClient, host: str, peer: str) -> None:
    """The token is exchanged for a cookie, and the address on the wall has none."""
    how: dict[str, Any] = {"headers": {"Host": host}, "environ_overrides": {"REMOTE_ADDR": peer}}
    answer = stranger.get(f"/teach/{TOKEN}", **how)
    assert (answer.status_code, answer.location) == (303, "/teach")
    cookie = answer.headers["Set-Cookie"]
    assert TOKEN not in cookie and "HttpOnly" in cookie and "Path=/teach" in cookie and "SameSite=Lax" in cookie
    answer = stranger.get("/teach", headers={"Host": host, "Cookie": cookie.partition(";")[0]})
    assert answer.status_code == 200 and "first-fault" in answer.text and TOKEN not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/teach", "/teach/now", "/teach/wrong", f"/teach/{TOKEN[:-1]}", f"/teach/{TOKEN}x"])
def test_without_the_token_it_stays_shut(stranger: FlaskClient, path: str) -> None:
    """The refusal says which command prints the address."""
    answer = stranger.get(path)
    assert answer.status_code == 403 and "make teach prints" in answer.text
    assert "first-fault" not in answer.text


@pytest.mark.parametrize("cookie", ["", "0" * 64, TOKEN, "\xe9"])
def test_a_cookie_that_was_not_made_here_opens_nothing(stranger: FlaskClient, cookie: str) -> None:
    """The token itself is none, either."""
    stranger.set_cookie("teach-localhost", cookie)
    assert stranger.get("/teach").status_code == 403


def test_the_cookie_of_an_earlier_start_opens_nothing(teacher: FlaskClient, folder: Path) -> None:
    """Another token, another cookie; with none there is nobody who may."""
    assert teacher.get("/teach").status_code == 200
    for token in ("another", ""):
        (folder / "token").write_text(token)
        assert teacher.get("/teach").status_code == 403
    (folder / "token").unlink()
    assert teacher.get("/teach").status_code == 403


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
def test_another_sites_page_changes_nothing(
    teacher: FlaskClient, form: str, folder: Path, headers: dict[str, str]
) -> None:
    """Even one that has the form's token, and one on another port of this machine."""
    answer = teacher.post("/teach/break", data={"form": form, "name": "first-fault"}, headers=headers)
    assert answer.status_code == 403
    assert not (folder / "change.json").exists()


@pytest.mark.parametrize("form", ["", "0" * 64, TOKEN, "\u2713"])
def test_a_form_without_the_pages_token_changes_nothing(teacher: FlaskClient, folder: Path, form: str) -> None:
    """What a browser says of where it comes from is not all that is asked."""
    answer = teacher.post("/teach/break", data={"form": form, "name": "first-fault"})
    assert answer.status_code == 403 and "load the page anew" in answer.text
    assert not (folder / "change.json").exists()


@pytest.mark.parametrize("path", ["/teach", "/teach/now", "/teach/anything"])
def test_a_console_without_commands_says_what_to_type(path: str) -> None:
    """With Docker, and started by itself; whoever asks."""
    answer = create_app(Settings(), client=FakeJaeger()).test_client().get(path)
    assert answer.status_code == 404
    assert "make break NAME=..." in answer.text and "In a terminal" in answer.text


def test_a_script_is_refused_as_a_script(stranger: FlaskClient) -> None:
    """`application/problem+json`, with the same sentence."""
    answer = stranger.get("/teach/now", headers={"Accept": "application/json"})
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == 403 and "make teach" in answer.get_json()["detail"]


def test_no_other_page_leads_there(teacher: FlaskClient) -> None:
    """Attendees who look at the console on the wall see no door."""
    for path in ("/", "/services", "/open", "/trace/" + "9" * 32):
        assert "teach" not in teacher.get(path).text.replace("data-teach", "")


def test_nothing_of_it_is_loaded_before_somebody_asks() -> None:
    """Only where it is; the console's memory at rest is as without the page."""
    program = (
        "import sys; from workshop.console.app import create_app; from workshop.console.settings import Settings;"
        "create_app(Settings(teacher_folder='x'));"
        "print(*sorted(each for each in sys.modules if '.teach' in each or each == 'psutil'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["workshop.console.teach", "workshop.console.teach.entry"]


def test_the_token_is_made_once_for_this_user_and_goes_with_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeated start prints the same address; after a stop it is another."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))
    settings = stack.load()
    first = address.address(settings)
    assert first == address.address(settings)
    assert first.startswith(settings.console_url + "/teach/")
    kept = address.folder(settings) / "token"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    address.end_first()
    assert not kept.exists()
    assert address.address(settings) != first
