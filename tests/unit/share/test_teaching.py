"""`make up TEACH=1`: the note that the console reads, and what is said of it."""

import stat
from pathlib import Path

import pytest

from workshop.console.quiet import quiet_since
from workshop.share import teaching
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a checkout of its own, where nothing was started."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path / "state"))
    return load()


def test_teach_keeps_the_answers_until_it_is_told_otherwise(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 begins, 1 again and nothing change nothing, 0 ends, and what is so is said each time."""
    assert teaching.in_words(settings) == "shown"
    monkeypatch.setenv("TEACH", "1")
    teaching.settle()
    since = quiet_since(str(settings.teaching))
    assert since
    assert "make up TEACH=0" in capsys.readouterr().out
    settings.teaching.write_text(since := "2026-01-01T00:00:00Z")
    for value in ("1", ""):
        monkeypatch.setenv("TEACH", value)
        teaching.settle()
        assert quiet_since(str(settings.teaching)) == since
        assert "Show the answer" in capsys.readouterr().out
    assert "until somebody asks" in teaching.in_words(settings)
    monkeypatch.setenv("TEACH", "0")
    teaching.settle()
    assert (quiet_since(str(settings.teaching)), capsys.readouterr().out) == ("", "")


def test_a_stop_ends_it(settings: Settings) -> None:
    """So does one where nothing had begun."""
    teaching.begin(settings)
    for _ in range(2):
        teaching.end_first()
        assert teaching.in_words(settings) == "shown"


def test_the_consoles_user_can_read_it_whatever_the_umask(settings: Settings) -> None:
    """In its container it is another one."""
    settings.teaching.parent.mkdir(mode=0o700, parents=True)
    teaching.begin(settings)
    assert stat.S_IMODE(settings.teaching.stat().st_mode) == 0o644
    assert stat.S_IMODE(settings.teaching.parent.stat().st_mode) == 0o755


@pytest.mark.parametrize("value", ["yes", "2", "on"])
def test_another_value_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """With what it may be."""
    monkeypatch.setenv("TEACH", value)
    with pytest.raises(StackError, match=f"TEACH is '{value}'"):
        load()


def test_a_note_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    """A folder in its place, bytes that are no text: the pages are as delivered, and no error."""
    (tmp_path / "bytes").write_bytes(b"\xff")
    for path in (tmp_path, tmp_path / "bytes", tmp_path / "missing"):
        assert quiet_since(str(path)) == ""
