"""The log of changes: what is in force follows from its lines alone."""

import json
import stat
import subprocess
import sys

import pytest

from workshop.changes import jobs, journal, making
from workshop.changes.kinds import KINDS, Change, Data, Limit, Release, Setting, Wire
from workshop.stack.errors import StackError
from workshop.stack.settings import ROOT, Settings

CHANGE = Setting(service="payment", values={"PROVIDER_ATTEMPTS": "1"})
OTHER = Setting(service="order", values={"DATABASE_POOL_SIZE": "2"})


def test_a_change_is_in_force_from_done_to_undoing(settings: Settings) -> None:
    """Before and after it is somebody's unfinished work, then history."""
    states = []
    entry = journal.begin(settings, CHANGE, "local", "me")
    for state in ("done", "undoing", "undone"):
        states.append((len(journal.in_force(settings, "local")), len(journal.left_open(settings, "local"))))
        journal.say(settings, entry, state)
    states.append((len(journal.in_force(settings, "local")), len(journal.left_open(settings, "local"))))
    assert states == [(0, 1), (1, 0), (0, 1), (0, 0)]
    (found,) = journal.entries(settings)
    assert found.change == CHANGE
    assert (found.by, found.state) == ("me", "undone")
    assert found.ended is not None
    assert found.made <= found.ended


def test_each_runtime_has_its_own(settings: Settings) -> None:
    """What was changed in the containers is not changed in the processes of this machine."""
    journal.say(settings, journal.begin(settings, CHANGE, "docker", "me"), "done")
    assert journal.in_force(settings, "local") == []
    assert [each.change for each in journal.in_force(settings, "docker")] == [CHANGE]


@pytest.mark.parametrize("left", range(0, 60, 7))
def test_a_line_that_was_cut_short_counts_for_nothing(settings: Settings, left: int) -> None:
    """Nor does it spoil the next: the machine went off while it was written."""
    journal.say(settings, journal.begin(settings, CHANGE, "local", "me"), "done")
    path = journal.path(settings)
    whole = path.read_text()
    path.write_text(whole + whole.splitlines()[0].replace('"number": 1', '"number": 2')[:left])
    assert [each.number for each in journal.entries(settings)] == [1]
    second = journal.begin(settings, OTHER, "local", "you")
    assert [each.number for each in journal.left_open(settings, "local")] == [second.number]
    assert [each.number for each in journal.in_force(settings, "local")] == [1]


@pytest.mark.parametrize("junk", ["", "null", "[]", "{}", '"x"', "1e999", '{"number": 1}', "\0\0", '{"number": "x"}'])
def test_what_is_no_line_of_ours_is_passed_over(settings: Settings, junk: str) -> None:
    """A disk that was full, a hand that slipped."""
    journal.path(settings).parent.mkdir(parents=True)
    journal.path(settings).write_text(junk + "\n")
    journal.say(settings, journal.begin(settings, CHANGE, "local", "me"), "done")
    assert [each.change for each in journal.in_force(settings, "local")] == [CHANGE]


def test_a_kind_that_is_not_known_is_told(settings: Settings) -> None:
    """The log of a newer version: what it changed cannot be undone by this one."""
    journal.begin(settings, CHANGE, "local", "me")
    path = journal.path(settings)
    path.write_text(path.read_text().replace('"setting"', '"spell"'))
    with pytest.raises(StackError, match="'spell', which this version does not know"):
        journal.entries(settings)


def test_the_console_s_user_may_read_it(settings: Settings) -> None:
    """In a container that is another one."""
    journal.begin(settings, CHANGE, "local", "me")
    assert stat.S_IMODE(journal.path(settings).stat().st_mode) == 0o644
    assert journal.path(settings).parent == settings.history.parent


def test_a_second_one_is_told_who_is_at_it(settings: Settings) -> None:
    """And may as soon as the first is done, however it ended."""
    code = (
        "import sys; from workshop.changes import journal; from workshop.stack.settings import Settings\n"
        f"with journal.alone(Settings(_env_file=None, state_folder={settings.state_folder!r}), 'ada'):\n"
        "    print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        told = rf"ada \(pid {other.pid}\) is changing the system"
        with pytest.raises(StackError, match=told), journal.alone(settings, "bob"):
            pass
        other.kill()
        other.wait()
        with journal.alone(settings, "bob"):
            pass


def test_the_log_as_data_holds_what_was_changed(settings: Settings) -> None:
    """`spans changes --json`: when, what, by whom, undone when and why."""
    entry = journal.begin(settings, CHANGE, "local", "me")
    journal.say(settings, entry, "undone", "it was cut short")
    (found,) = json.loads(json.dumps([each.note() for each in journal.entries(settings)]))
    assert found["kind"] == "setting"
    assert found["values"] == {"PROVIDER_ATTEMPTS": "1"}
    assert (found["by"], found["state"], found["why"]) == ("me", "undone", "it was cut short")


def test_a_release_that_fits_no_more_does_not_keep_anybody_from_starting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The code is another than when it was deployed: it is undone before the start, and said."""
    patch = settings.state / "x.patch"
    patch.parent.mkdir(parents=True)
    patch.write_text("--- a/order/app.py\n+++ b/order/app.py\n@@ -1 +1 @@\n-what was there once\n+x\n")
    release = Release(service="order", name="x", patch=str(patch))
    for change in (release, CHANGE):
        journal.say(settings, journal.begin(settings, change, "local", "me"), "done")
    monkeypatch.setattr(making, "current", lambda: settings)
    making.prepare()
    assert [each.change for each in journal.in_force(settings, "local")] == [CHANGE]
    assert "hunk 1" in capsys.readouterr().err
    assert (settings.state / "changes" / "payment.env").read_text().endswith("PROVIDER_ATTEMPTS=1\n")


@pytest.mark.parametrize(
    "change",
    [
        CHANGE,
        Release(service="order", name="x", patch="x.patch"),
        Data(name="x", up=["SELECT 1"], down=[], database="orders"),
        Wire(caller="order", callee="payment", via="link", options={"delay_ms": 40, "loss": 0.5}, port=8000),
        jobs.sql("stocktake"),
        Limit(service="payment", cpus=0.2, memory_mb=90),
    ],
    ids=lambda change: change.kind,
)
def test_every_kind_comes_out_of_the_log_as_it_went_in(settings: Settings, change: Change) -> None:
    """Whoever undoes it needs nothing but the log, and what it says in words is said in one line."""
    journal.begin(settings, change, "local", "me")
    (found,) = journal.entries(settings)
    assert found.change == change
    assert change.words and "\n" not in change.words
    assert {each.kind for each in KINDS} == {"setting", "release", "data", "wire", "job", "limit"}
