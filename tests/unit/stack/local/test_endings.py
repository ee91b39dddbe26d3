"""A process that was killed is told as one, by whom, and how often."""

from pathlib import Path

import pytest

from workshop.stack import control_group
from workshop.stack.local import endings
from workshop.stack.settings import Settings

LOG = """\
INFO supervisord started with pid 1
WARN exited: payment (terminated by SIGKILL; not expected)
INFO supervisord started with pid 2
WARN exited: order (terminated by SIGKILL; not expected)
WARN exited: order (terminated by SIGKILL; not expected)
WARN exited: gateway (terminated by SIGKILL; not expected)
WARN exited: console (terminated by SIGSEGV (core dumped); not expected)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a system whose supervisord has told of some ends."""
    found = Settings(_env_file=None, state_folder=str(tmp_path))  # type: ignore[call-arg]
    found.logs.mkdir()
    (found.logs / "supervisord.log").write_text(LOG)
    return found


def killed(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let the kernel have killed so many in a control group with 400 MB."""
    monkeypatch.setattr(control_group, "kills", lambda pid="self": count)
    monkeypatch.setattr(control_group, "room", lambda name, pid="self": control_group.Room(400_000_000, 0))


@pytest.mark.parametrize(
    ("kills", "told"), [(2, "for want of memory: this control group's limit of 400 MB"), (0, "make doctor tells")]
)
def test_a_kill_is_told_as_one(settings: Settings, monkeypatch: pytest.MonkeyPatch, kills: int, told: str) -> None:
    """supervisord says `Bad exit code -1`; its log has the signal, and the control group the reason."""
    killed(monkeypatch, kills)
    assert told in endings.end_of(settings, "order", "Bad exit code -1")


def test_other_ends_are_told_as_they_are(settings: Settings) -> None:
    """An exit code, another signal, and what was before the start."""
    assert endings.end_of(settings, "order", "Bad exit code 3") == "Bad exit code 3"
    assert endings.end_of(settings, "console", "Bad exit code -1") == "it was ended by SIGSEGV"
    assert endings.end_of(settings, "payment", "Bad exit code -1") == "Bad exit code -1"


def test_what_the_kernel_kills_while_the_system_runs_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is started again, so status alone would only show services that are not ready."""
    killed(monkeypatch, 5)
    endings.note_kills(settings)
    assert endings.killed(settings, pid=2) is None  # somebody else's kills: make chaos has killed these
    killed(monkeypatch, 7)
    told = str(endings.killed(settings, pid=2))
    assert "for want of memory the kernel kills processes of this container" in told
    assert "control group of 400 MB: order 2 times, gateway once. 1000 MB are enough" in told
