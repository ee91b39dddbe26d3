"""What keeps a folder, a disk or a machine from running the system, as sentences that say what to do."""

import errno
import os
from pathlib import Path

import pytest

from workshop.stack.first_run import obstacles


@pytest.mark.parametrize("name", ["a%b", "a:b", 'a"b', "a\nb", "a\\b"])
def test_a_folder_that_cannot_work_is_told(tmp_path: Path, name: str) -> None:
    """By what is wrong with its name, before anything is installed."""
    told = obstacles.of_folder(tmp_path / name)
    assert told is not None
    assert told.startswith("the folder's path has a")
    assert obstacles.of_folder(tmp_path) is None
    assert obstacles.of_folder(tmp_path / "käse und brot (2)") is None


def test_a_refusal_says_what_is_behind_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's file, a file system without programs, or the rights of one's own."""
    error = PermissionError(13, "Permission denied", str(tmp_path / "new"))
    assert "though it is yours: look at its rights" in obstacles.refused(error)
    monkeypatch.setattr(obstacles, "noexec", lambda path: True)
    assert "mounted noexec" in obstacles.refused(error)
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert "belongs to another user: run make as that one" in obstacles.refused(error)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "the disk is full, or your share of it (/data/x): make room"),
        (errno.EDQUOT, "the disk is full, or your share of it (/data/x): make room"),
        (errno.EROFS, "mounted read-only (/data/x): clone into another folder"),
        (errno.ENOENT, "No such file or directory: '/data/x'"),
    ],
)
def test_what_the_system_refuses_is_told_in_words(number: int, told: str) -> None:
    """An error's number is no sentence; what nobody knows better is told as the system does."""
    assert told in obstacles.told(OSError(number, os.strerror(number), "/data/x"))


def test_a_full_disk_need_not_have_a_name() -> None:
    """Writing into a file that is open tells none."""
    told = obstacles.told(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert told.startswith("the disk is full, or your share of it: make room")


def test_a_machine_without_proc_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's processes could be found, or ended; macOS has none and needs none."""
    assert obstacles.of_machine() is None
    monkeypatch.setattr(obstacles, "PROC", tmp_path / "stat")
    monkeypatch.setattr("sys.platform", "linux")
    assert "there is no /proc here" in str(obstacles.of_machine())
    monkeypatch.setattr("sys.platform", "darwin")
    assert obstacles.of_machine() is None
