"""What the teacher's page shows, starts and refuses."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.console.teach.conftest import Eventually
from workshop.console.teach import address, entry, work

Press = Callable[..., TestResponse]


@pytest.fixture
def press(teacher: FlaskClient, form: str) -> Press:
    """Presses one of the page's buttons."""
    return lambda what, **data: teacher.post(f"/teach/{what}", data={"form": form, **data})


def now(teacher: FlaskClient) -> dict[str, Any]:
    """What the page's script asks for, every second."""
    found: dict[str, Any] = teacher.get("/teach/now").get_json()
    return found


def go(folder: Path, code: str = "") -> None:
    """Let the command come to its end."""
    (folder.parent / "go").write_text(code)


def test_scenarios_are_cards_whose_names_are_behind_a_click(teacher: FlaskClient) -> None:
    """Those for the stage first; outside of what is closed there are a number and what customers say."""
    text = teacher.get("/teach").text
    assert text.index("For the stage") < text.index("Scenario 1") < text.index("Scenario 2")
    assert text.index("Scenario 2") < text.index("For later") < text.index("Scenario 3")
    assert "All &lt;is&gt; slow." in text
    for part in text.split("<details")[0:1] + [each.partition("</details>")[2] for each in text.split("<details")[1:]]:
        shown = part.replace('<input type="hidden" name="name" value="first-fault">', "")
        assert "first-fault" not in shown and "A title" not in shown
    assert "No scenario is on." in text and "All is as it was delivered" in text


def test_a_scenario_is_switched_on_with_its_proof_and_off(
    teacher: FlaskClient, press: Press, folder: Path, eventually: Eventually
) -> None:
    """What is said meanwhile has no name; the command's own words have, and are kept."""
    assert press("break", name="second-fault").status_code == 303
    eventually(lambda: "break second-fault" in now(teacher)["words"])
    found = now(teacher)
    assert found["running"] and found["said"].startswith("Scenario 2 is being switched on")
    assert found["words"].startswith(f"break second-fault, of {folder.parent}") and found["trace"] is None
    text = teacher.get("/teach").text
    assert 'id="stop"' in text and '<meta http-equiv="refresh"' in text
    go(folder)
    eventually(lambda: not now(teacher)["running"])
    assert now(teacher)["said"].startswith("Scenario 2 is on, and proved")
    text = teacher.get("/teach").text
    assert f'href="/trace/{"c" * 32}"' in text and "second-fault was made" in text and "1 change in force" in text
    assert 'aria-label="Switch scenario 2 off"' in text and 'http-equiv="refresh"' not in text
    assert 'aria-label="Switch scenario 1 on" disabled' in text
    assert press("fix", name="second-fault").status_code == 303
    eventually(lambda: not now(teacher)["running"])
    assert now(teacher)["said"].startswith("Scenario 2 is off, and gone")
    assert "No scenario is on." in teacher.get("/teach").text


@pytest.mark.parametrize(("what", "name"), [("break", "first-fault"), ("fix", "second-fault"), ("reset", "")])
def test_one_thing_at_a_time(
    teacher: FlaskClient, press: Press, folder: Path, eventually: Eventually, what: str, name: str
) -> None:
    """A second click is refused with a sentence, and what runs goes on."""
    press("break", name="second-fault")
    refused = press(what, name=name)
    assert refused.status_code == 409 and "one thing at a time" in refused.text
    assert now(teacher)["running"]
    go(folder)
    eventually(lambda: not now(teacher)["running"])
    assert now(teacher)["words"].count("of ") == 1
    assert press(what, name=name).status_code == 303


def test_two_clicks_at_once_start_one(teacher: FlaskClient, folder: Path) -> None:
    """Whichever comes first; the others are refused."""
    slot, started = work.Slot(folder, "change"), []

    def click(_: int) -> None:
        try:
            slot.start("reset")
            started.append(1)
        except work.Busy:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(click, range(8)))
    assert started == [1]


def test_what_is_ended_puts_things_in_order_first(
    teacher: FlaskClient, press: Press, folder: Path, eventually: Eventually
) -> None:
    """As by Ctrl-C, and once: a second click does not cut that short."""
    press("break", name="first-fault")
    eventually(lambda: "break" in now(teacher)["words"])
    for _ in range(3):
        assert press("stop").status_code == 303
    assert now(teacher)["ending"] and now(teacher)["said"].startswith("Scenario 1 is being ended")
    assert press("break", name="first-fault").status_code == 409
    eventually(lambda: not now(teacher)["running"])
    assert now(teacher)["words"].rstrip().endswith("Undone: all of it.")
    assert "was not switched on: it was ended" in now(teacher)["said"]
    assert press("stop").status_code == 303


def test_a_failure_is_told(teacher: FlaskClient, press: Press, folder: Path, eventually: Eventually) -> None:
    """With its exit code, and the words that say why."""
    go(folder, "7")
    press("break", name="first-fault")
    eventually(lambda: not now(teacher)["running"])
    assert "was not switched on: exit code 7" in now(teacher)["said"]
    assert now(teacher)["trace"] is None


def test_load_runs_beside_until_it_is_switched_off(
    teacher: FlaskClient, press: Press, folder: Path, eventually: Eventually
) -> None:
    """Its last line is shown; the reset waits for its end, a scenario does not."""
    assert press("load", users="12").status_code == 303
    eventually(lambda: "load --users 12 --duration 3600" in now(teacher)["load"]["said"])
    assert press("load", users="2").status_code == 409
    refused = press("reset")
    assert refused.status_code == 409 and "load is on" in refused.text
    assert press("break", name="first-fault").status_code == 303
    assert press("stop-load").status_code == 303
    eventually(lambda: not now(teacher)["load"]["running"])
    assert now(teacher)["running"]


@pytest.mark.parametrize("users", ["", "0", "33", "-1", "8; rm", "²", "9" * 5000, "1e3", "0000000080"])
def test_a_number_of_customers_that_cannot_be_is_named(press: Press, folder: Path, users: str) -> None:
    """Nothing is started."""
    assert press("load", users=users).status_code in (400, 413)
    assert not (folder / "load.json").exists()


@pytest.mark.parametrize("name", ["", "third-fault", "--help", "first-fault ", "<b>x</b>", "\x00", "a" * 3000])
def test_a_scenario_that_is_not_there_is_refused(press: Press, folder: Path, name: str) -> None:
    """No word from outside gets into a command line."""
    for what in ("break", "fix"):
        answer = press(what, name=name)
        assert answer.status_code == 400 and "<b>x" not in answer.text
    assert not (folder / "change.json").exists()


@pytest.mark.parametrize("what", ["now", "anything", "clean", "break%20x"])
def test_there_are_no_other_buttons(press: Press, what: str) -> None:
    """Other words are no commands."""
    assert press(what).status_code == 404


def test_a_form_that_is_too_large_is_refused(press: Press) -> None:
    """Not read to its end."""
    assert press("break", name="a" * 10_000).status_code == 413


def test_commands_that_do_not_answer_are_told(teacher: FlaskClient, folder: Path) -> None:
    """With what they said; the next look asks again."""
    (folder.parent / "broken").touch()
    answer = teacher.get("/teach")
    assert answer.status_code == 503 and "it does not work today" in answer.text
    (folder.parent / "broken").unlink()
    assert teacher.get("/teach").status_code == 200


def test_a_console_that_ends_has_what_it_runs_end(
    teacher: FlaskClient, press: Press, folder: Path, eventually: Eventually
) -> None:
    """It does not wait; the next console finds it, and what became of it."""
    press("break", name="first-fault")
    press("load", users="1")
    eventually(lambda: "load" in now(teacher)["load"]["said"] and now(teacher)["words"])
    entry.leave(str(folder))
    eventually(lambda: not now(teacher)["running"] and not now(teacher)["load"]["running"])
    assert "Undone" in now(teacher)["words"]


def test_a_console_that_was_killed_leaves_it_to_the_next(folder: Path, eventually: Eventually) -> None:
    """Which finds it running, refuses a second one, and can end it."""
    work.Slot(folder, "change").start("reset")
    eventually(lambda: work.Slot(folder, "change").output())
    other = work.Slot(folder, "change")
    with pytest.raises(work.Busy):
        other.start("reset")
    other.end()
    eventually(lambda: not (found := other.now()) or not found.runs)
    assert "Undone" in other.output()


def test_a_process_of_somebody_else_is_never_ended(folder: Path) -> None:
    """A note may be old, and its number another's by now."""
    path = folder / "change.json"
    work.write(path, work.Note(("reset",), 1.0, os.getpid(), born=1.0))
    assert work.interrupt(path) is None and not work.Slot(folder, "change").now().runs  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '{"words": 3}', '{"words": [], "pid": 1}'),
        '{"words": [], "began": 1, "pid": 1, "born": 1}',
        '{"words": ["dance"], "began": 1, "pid": 1, "born": 1}',
    ],
)
def test_a_note_that_cannot_be_read_is_none(folder: Path, teacher: FlaskClient, text: str) -> None:
    """Written by another version, or cut short: the page is shown all the same."""
    for name in ("change", "load"):
        (folder / f"{name}.json").write_text(text)
        (folder / f"{name}.out").write_text("words\n")
    assert teacher.get("/teach").status_code == 200
    assert now(teacher)["running"] is False


def test_a_stop_of_the_system_waits_for_its_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make down`: what is to be undone is undone while everything still runs."""
    monkeypatch.setenv("STATE_FOLDER", str(folder.parent))
    slot = work.Slot(folder, "change")
    slot.start("break", "first-fault")
    eventually(slot.output)
    note = slot.now()
    assert note
    address.end_first()
    assert not note.runs
    assert "Ending what was started" in capsys.readouterr().out
    assert not (folder / "token").exists() and "Undone" in slot.output()
    with pytest.raises(ProcessLookupError):
        os.kill(note.pid, signal.SIG_BLOCK)
