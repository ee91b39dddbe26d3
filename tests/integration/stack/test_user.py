"""Users, disks and containers of all kinds: a whole session, or one sentence before anything is started."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from .conftest import MARKS, Checkout, allowed

Make = Callable[[], Checkout]
MOUNTS = ("unshare", "--mount")
# Nobody has it: /etc/passwd ends below, and the ids of containers begin above.
UNNAMED = 61234


def whole(done: subprocess.CompletedProcess[str]) -> None:
    """The session came to its end, and each command said what it should."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert [mark for mark in MARKS if mark not in done.stdout] == []
    assert "Traceback" not in done.stdout + done.stderr


def test_a_umask_that_lets_nobody_in_does_not_stick(checkout: Make) -> None:
    """As root: PostgreSQL's user gets to its programs and its data, in this session and in the next."""
    under = "(umask 077; spans up && spans down)"
    script = f"mount -t tmpfs none /var/lib; {under} && spans up && spans checkout && spans clean"
    done = checkout().sh(script, allowed(*MOUNTS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "201 " in done.stdout


def test_root_of_a_container_with_one_id(checkout: Make) -> None:
    """There is no other user to hand the data to: it lies in the state folder."""
    made = checkout()
    whole(made.sh("session", allowed("unshare", "--user", "--map-root-user")))
    assert (made.state / "postgres" / "data" / "PG_VERSION").exists()


def test_a_var_lib_that_cannot_be_written_and_next_to_no_shared_memory(checkout: Make) -> None:
    """A hardened container: the data lies in the state folder, and PostgreSQL shares memory in another way."""
    made = checkout()
    script = "mount -t tmpfs -o ro none /var/lib; mount -t tmpfs -o size=1m none /dev/shm; session"
    whole(made.sh(script, allowed(*MOUNTS)))
    assert (made.state / "postgres" / "data" / "PG_VERSION").exists()


def test_a_small_disk_under_var_lib(checkout: Make) -> None:
    """Root's data would not fit there: that is told before anything is started, and by the doctor."""
    made = checkout()
    done = made.sh("mount -t tmpfs -o size=50m none /var/lib; spans up; spans doctor", allowed(*MOUNTS))
    assert "MB are free in /var/lib/slow-checkout/" in done.stderr
    assert "make room, or have fewer SEED_MOVEMENTS" in done.stderr
    assert "MB free in /var/lib/slow-checkout/" in done.stdout
    assert "no-go: disk" in done.stdout
    assert made.living() == 0


def test_a_state_folder_that_is_a_mount_point(checkout: Make) -> None:
    """As a volume of a container is: it is emptied, and stays."""
    script = """
    mkdir -p "$ROOT/.run" && mount -t tmpfs none "$ROOT/.run" && spans up && spans clean || exit
    [ -z "$(ls -A "$ROOT/.run")" ] && [ ! -e "$ROOT/.venv" ] && echo Emptied.
    """
    done = checkout().sh(script, allowed(*MOUNTS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("Emptied.\n")


def test_a_user_without_a_name_and_without_a_home(checkout: Make) -> None:
    """As in a container with --user: PostgreSQL wants a name, the installer a home."""
    made = checkout()
    as_nobody = allowed("setpriv", f"--reuid={UNNAMED}", f"--regid={UNNAMED}", "--clear-groups", "env", "-u", "HOME")
    python = reachable(as_nobody)
    # Installed by root, whose cache is his own; the copy takes nothing from it.
    path = f"{made.programs}{os.pathsep}{python}{os.pathsep}/usr/bin{os.pathsep}/bin"
    assert made.sh("spans status", variables={"PATH": path}).returncode == 1
    shutil.copytree(made.folder / ".venv", made.folder / "copy", symlinks=True)
    shutil.rmtree(made.folder / ".venv")
    (made.folder / "copy").rename(made.folder / ".venv")
    subprocess.run(["chown", "-R", f"{UNNAMED}:{UNNAMED}", made.folder], check=True)
    whole(made.sh("session", as_nobody, {"PATH": path}))


def reachable(as_nobody: Sequence[str]) -> str:
    """A folder with a python3 that everybody may run, new enough."""
    test = "import sys; sys.exit(sys.version_info < (3, 11))"
    for folder in os.get_exec_path():
        command = [*as_nobody, str(Path(folder) / "python3"), "-c", test]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return folder
    pytest.skip("there is no Python that another user may run")
