"""The Makefile, its help, and the commands behind its targets."""

import re
import subprocess

import pytest
import typer.main

from workshop.cli import app
from workshop.commands.grouping import GROUPS, MAKE_NAMES
from workshop.stack.settings import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE)
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
    assert "\n.PHONY: $(known)\n" in MAKEFILE
    declared = re.search(r"^known +:= (.*)$", MAKEFILE, re.MULTILINE)
    assert declared is not None
    assert sorted(declared[1].split()) == sorted(TARGETS)


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "help"])
def test_every_target_has_its_command(target: str) -> None:
    """`make up` is `spans up`."""
    assert re.search(rf"^{target}:.*\n\t@\$\(spans\) {target}\b", MAKEFILE, re.MULTILINE)
    assert target in COMMANDS


def test_spans_lists_its_commands_as_make_does() -> None:
    """Under the same headings."""
    parts = re.split(r"^##@ (.*)$", MAKEFILE, flags=re.MULTILINE)[1:]
    made = {title: set(re.findall(r"^([a-z][a-z-]*):.*## ", text, re.MULTILINE)) for title, text in batched(parts)}
    assert {title: set(names) for title, names in GROUPS.items()} == {k: v - {"help"} for k, v in made.items()}
    assert set(COMMANDS) == {name for names in GROUPS.values() for name in names}


def batched(parts: list[str]) -> list[tuple[str, str]]:
    """Titles with their texts."""
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_what_make_hands_on_is_told_by_its_name_there() -> None:
    """Every variable that a recipe uses for an option has its name in usage errors."""
    used = set(re.findall(r"\$\(([A-Z]+)\)", "".join(re.findall(r"^\t.*$", MAKEFILE, re.MULTILINE))))
    assert used - {"ARGS", "MAKEFILE", "SERVICE", "DURATION"} <= set(MAKE_NAMES.values())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trace", "036e1f"], '"036e1f" is no command'),
        (["fix", "now"], '"now" is no command'),
        (["N", "checkout"], '"N" is no command'),
        (["checkout", "n=3"], "n=... is read by no command"),
        (["checkout", "COUNT=3", "N=1"], "COUNT=... is read by no command"),
        (["load", "USERS=4", "TIME=30"], "TIME=... is read by no command"),
        (["up", "GATEWAY_PROT=1"], "GATEWAY_PROT=... is read by no command"),
    ],
)
def test_what_nobody_reads_stops_everything(words: list[str], told: str) -> None:
    """Before anything is done, by a sentence."""
    done = subprocess.run(["make", *words, "spans=echo done"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert told in done.stderr
    assert "done" not in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["checkout", "N=3", "ITEMS=SKU-00001:2 SKU-00017:1", "CARD=declined"],
        ["up", "RUNTIME=local", "GATEWAY_PORT=8090"],
        ["test", "ARGS=-k a=b -x"],
        ["break", "checkout", "fix"],
    ],
)
def test_what_is_read_is_handed_on(words: list[str]) -> None:
    """Also values with blanks and equal signs, settings, and several commands."""
    make = ["make", "-n", *words]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_recipe_is_one_line() -> None:
    """Whatever make does, a person could type."""
    recipes = re.findall(r"^[a-z-]+:.*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert all(recipe.count("\n") == 1 for recipe in recipes)


def test_the_launcher_is_plain_sh() -> None:
    """macOS and Debian have different shells behind /bin/sh."""
    subprocess.run(["sh", "-n", str(ROOT / "workshop" / "spans.sh")], check=True)
    assert (ROOT / "workshop" / "spans.sh").stat().st_mode & 0o111


def test_every_variable_with_a_default_may_be_given() -> None:
    """What stands at the top of the Makefile is what a command can be told."""
    declared = re.findall(r"^([A-Z]+) +:=", MAKEFILE, re.MULTILINE)
    readable = re.search(r"^readable := (.*)$", MAKEFILE, re.MULTILINE)
    assert declared and readable is not None
    assert set(declared) <= set(readable[1].split())
