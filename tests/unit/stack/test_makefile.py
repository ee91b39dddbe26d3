"""The Makefile, its help, and the commands behind its targets."""

import re
import subprocess

import pytest
import typer.main

from workshop.cli import app
from workshop.stack.settings import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE)
COMMANDS = getattr(typer.main.get_command(app), "commands")  # noqa: B009 (a group, which typer does not say)


def shown() -> str:
    """What plain `make` prints."""
    done = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_in_the_help(target: str) -> None:
    """A target that nobody is told about is not there."""
    assert f"  make {target} " in shown()


def test_every_target_is_phony() -> None:
    """A file with a target's name must not stop it."""
    declared = re.search(r"^\.PHONY:(.*)$", MAKEFILE, re.MULTILINE)
    assert declared is not None
    assert sorted(declared[1].split()) == sorted(TARGETS)


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "help"])
def test_every_target_has_its_command(target: str) -> None:
    """`make up` is `spans up`."""
    assert re.search(rf"^{target}:.*\n\t@\$\(spans\) {target}\b", MAKEFILE, re.MULTILINE)
    assert target in COMMANDS


def test_every_recipe_is_one_line() -> None:
    """Whatever make does, a person could type."""
    recipes = re.findall(r"^[a-z-]+:.*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert all(recipe.count("\n") == 1 for recipe in recipes)


def test_the_launcher_is_plain_sh() -> None:
    """macOS and Debian have different shells behind /bin/sh."""
    subprocess.run(["sh", "-n", str(ROOT / "workshop" / "spans.sh")], check=True)
    assert (ROOT / "workshop" / "spans.sh").stat().st_mode & 0o111
