"""What a checkout's folder can be like: a whole session in an odd one, one sentence in an impossible one."""

import gzip
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from workshop.stack.settings import ROOT

from .conftest import MARKS, Checkout, allowed

Make = Callable[[str], Checkout]
MOUNTS = ("unshare", "--mount")
# What a shell, supervisord's file and a .pth file could each take for something else.
ODD = "käse ;b #c 'd' $e (f) {g} =h,i@j &k [l] *m"


def test_a_path_of_odd_letters_and_files_that_are_no_programs(checkout: Make, tmp_path: Path) -> None:
    """With a locale that has not all letters, for whom they are question marks; FAT and some unzippers lose the x."""
    made = checkout(ODD)
    for path in made.folder.rglob("*.*"):
        path.chmod(path.stat().st_mode & ~0o111 if path.is_file() else 0o755)
    done = made.sh("session", variables=latin(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [mark for mark in MARKS if mark not in done.stdout] == []
    assert "Installing the Python packages ?" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def latin(folder: Path) -> dict[str, str]:
    """The variables of a terminal in ISO-8859-1, whose locale is made here; the test is skipped where it cannot be."""
    source = Path("/usr/share/i18n")
    packed = source / "charmaps" / "ISO-8859-1.gz"
    if not (packed.exists() and shutil.which("localedef")):
        pytest.skip("there are no sources of locales on this machine (apt install locales)")
    (folder / "ISO-8859-1").write_bytes(gzip.decompress(packed.read_bytes()))
    name = "en_US.ISO-8859-1"
    subprocess.run(
        ["localedef", "--quiet", "-c", "-i", "en_US", "-f", folder / "ISO-8859-1", folder / name], check=False
    )
    return {"LOCPATH": str(folder), "LC_ALL": name}


@pytest.mark.parametrize("command", ["up", "status", "doctor"])
def test_a_percent_sign_is_told_before_anything_is_installed(checkout: Make, command: str) -> None:
    """supervisord would take it for the name of a variable."""
    made = checkout("100%")
    done = made.sh(f"spans {command}")
    assert done.returncode == 1
    assert "the folder's path has a percent sign in it" in done.stdout + done.stderr
    assert not (made.folder / ".venv").exists()


def test_a_disk_that_runs_no_programs_is_told_before_anything_is_installed(checkout: Make) -> None:
    """Mounted noexec: the packages hold programs."""
    made = checkout("checkout")
    script = 'mount --bind "$ROOT" "$ROOT" && mount -o remount,bind,noexec "$ROOT"; spans doctor; spans up'
    done = made.sh(script, allowed(*MOUNTS))
    assert done.returncode == 1
    assert "no-go: folder" in done.stdout
    assert re.search(r"error: .* is on a file system from which no program may be run", done.stderr)
    assert not (made.folder / ".venv").exists()


def test_a_clone_with_the_endings_of_windows_runs(tmp_path: Path) -> None:
    """git there turns every text's endings into its own, unless it is told not to; sh and make take no others."""
    clone = tmp_path / "clone"
    source = ["git", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", "clone", "--quiet", "--depth=1"]
    subprocess.run([*source, f"file://{ROOT}", clone], check=True, capture_output=True)
    assert [path for path in (clone / "Makefile", clone / "workshop" / "spans.sh") if b"\r" in path.read_bytes()] == []
    told = subprocess.run(["make", "down"], cwd=clone, capture_output=True, text=True, check=False)
    assert told.stdout == "Nothing is up, and there is nothing to remove.\n"
