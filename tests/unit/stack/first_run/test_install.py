"""What an interruption leaves: nothing that the next command takes for whole."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.stack import lifecycle
from workshop.stack.docker import system as docker
from workshop.stack.first_run import install
from workshop.stack.settings import ROOT


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that installations in a checkout of the test's own have run."""
    commands: list[list[str]] = []

    def run(what: str, command: list[str], **variables: str) -> None:
        commands.append(command)

    (tmp_path / ".run").mkdir()
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "LOG", tmp_path / ".run" / "install.log")
    monkeypatch.setattr(install, "UNFINISHED", tmp_path / ".run" / "installing")
    monkeypatch.setattr(install, "find_uv", lambda: "uv")
    monkeypatch.setattr(install, "run", run)
    return commands


def test_after_an_interruption_everything_is_installed_again(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packages of which half the files are there look as if they were installed."""

    def interrupted(what: str, command: list[str], **variables: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(install, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            install.install([])
    install.install([])
    install.install(["dev"])
    assert "--reinstall" in ran[0]
    assert "--reinstall" not in ran[1]


def test_packages_are_gone_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make clean` that is interrupted while it removes them leaves none that look whole."""

    def interrupted(folder: Path, ignore_errors: bool = False) -> None:
        if folder.exists() and folder.name.startswith(".venv"):
            raise KeyboardInterrupt
        remove(folder, ignore_errors)

    remove = shutil.rmtree
    (tmp_path / ".venv").mkdir()
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.setattr(docker, "projects", set)
    monkeypatch.setattr(lifecycle, "ROOT", tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lifecycle.clean()
    assert not (tmp_path / ".venv").exists()
    lifecycle.clean()
    assert not list(tmp_path.glob(".venv*"))


@pytest.mark.parametrize("left", [".venv", ".run"])
def test_what_only_failed_to_install_is_removed_without_installing(tmp_path: Path, left: str) -> None:
    """`make clean` and `make down` need no packages when nothing was ever started."""
    for name in ("workshop/spans.sh", "workshop/stack/local/rescue.sh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / left).mkdir()
    for command in ("down", "clean"):
        done = subprocess.run(
            ["sh", "workshop/spans.sh", command], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        told = {"down": "Nothing is up.\n", "clean": "Removed the data, the logs and the Python packages.\n"}
        assert done.stdout == told[command]
        assert (tmp_path / left).exists() == (command == "down")


def test_a_folder_with_other_letters_is_found_in_any_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With LC_ALL=C Python 3.11 cannot read a .pth file that has them, and no command would start."""
    site = tmp_path / "käse" / ".venv" / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    monkeypatch.setattr(install, "VENV", tmp_path / "käse" / ".venv")
    (site / "slow_checkout.pth").write_text(f"{tmp_path}/käse/", encoding="utf-8")
    for _ in range(2):  # and again, after the next installation
        install.name_this_folder()
    line = (site / "slow_checkout.pth").read_text(encoding="ascii")
    monkeypatch.setattr("sys.path", [])
    exec(line)
    assert sys.path == [f"{tmp_path}/käse/"]
