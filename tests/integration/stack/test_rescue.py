"""`make down` and `make clean` where no Python can do it: what runs is ended in order, and removed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil

from workshop.stack.local import processes

from .conftest import Checkout

Make = Callable[[], Checkout]
# Two ways in which an environment breaks while the system runs from it.
LOSE_A_PACKAGE = 'mv "$ROOT"/.venv/lib/python3*/site-packages/typer "$ROOT"/typer.lost; '
LOSE_PYTHON = 'rm "$ROOT/.venv/bin/python"; ln -s /nowhere/python "$ROOT/.venv/bin/python"; '


# What the scripts call: a container's image may have as much, and no ps.
FEW = "sh sed grep head tail tr cat rm rmdir find ls sleep kill env dirname cksum awk"


def data_of(made: Checkout) -> Path:
    """PostgreSQL's data folder."""
    found = processes.data_folder(made.state)
    assert found is not None
    return found


def test_a_running_system_is_stopped_and_removed_by_sh_alone(checkout: Make) -> None:
    """The database is shut down in order, nothing lives on, and the data goes with clean only."""
    made = checkout()
    done = made.sh("spans up")
    assert done.returncode == 0, done.stderr
    data = data_of(made)
    assert made.living() > 10
    done = made.sh(LOSE_A_PACKAGE + "spans down")
    assert (done.returncode, done.stdout) == (0, "Everything is stopped; the data is kept.\n"), done.stderr
    assert made.living() == 0
    # PostgreSQL removes it as the last thing of a shutdown in order.
    assert not (data / "postmaster.pid").exists()
    assert (data / "PG_VERSION").exists()
    done = made.sh("spans down; spans clean; spans clean")
    told = ["Nothing is up.", "Removed the data, the logs and the Python packages."]
    assert done.stdout.splitlines() == [*told, "Nothing is up, and there is nothing to remove."], done.stderr
    assert [each for each in (data, made.state, made.folder / ".venv") if each.exists()] == []


def test_what_a_killed_supervisord_left_is_ended(checkout: Make) -> None:
    """Its processes live on, and are found without ps; the database is shut down in order although they use it."""
    made = checkout()
    assert made.sh("spans up").returncode == 0
    data = data_of(made)
    supervisord = psutil.Process(int((made.state / "supervisord.pid").read_text()))
    supervisord.kill()
    supervisord.wait(10)
    assert made.living() > 10
    made.sh(LOSE_PYTHON)
    done = made.sh("spans down", variables={"PATH": str(few_programs(made))})
    assert (done.returncode, done.stdout) == (0, "Everything is stopped; the data is kept.\n"), done.stderr
    assert made.living() == 0
    assert not (data / "postmaster.pid").exists()
    assert made.sh("spans clean").returncode == 0
    assert not data.exists()


def few_programs(made: Checkout) -> Path:
    """A folder to be the whole PATH."""
    folder = made.folder.parent / "few"
    folder.mkdir()
    for name in FEW.split():
        if program := shutil.which(name):
            (folder / name).symlink_to(program)
    return folder
