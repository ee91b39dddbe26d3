"""What macOS has is enough: sh as POSIX says, bash 3.2, GNU make 3.81. And the forge may read the code, no more."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from workshop.stack.settings import ROOT

TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\n")
SCRIPTS = [name for name in TRACKED if name.endswith(".sh") or name == ".ci/run"]
WORKFLOWS = [name for name in TRACKED if name.startswith(".github/workflows/")]
# What came after GNU make 3.81 (its NEWS file): name the version, and what stands for it.
NEWER_MAKE = {
    r"\$\(file ": "4.0",
    r"\$\(guile ": "4.0",
    r"\$\(let |\$\(intcmp ": "4.4",
    r"^[^#\t]*!=": "4.0",
    r"^[^#\t]*[^:]::(:?)=": "4.0",
    r"^\.ONESHELL|^\.NOTPARALLEL:.+": "3.82",
    r"^undefine |^private |^load ": "3.82",
    r"&:": "4.3",
    r"^\.EXTRA_PREREQS|^\.WAIT": "4.3",
    r"--output-sync|--shuffle": "4.0",
}
# What came after bash 3.2 (its CHANGES file).
NEWER_BASH = {
    r"\b(declare|local|typeset) -[a-zA-Z]*[Anglu]": "4.0",
    r"\b(mapfile|readarray|coproc)\b": "4.0",
    r"\$\{[^}]*(\^\^?|,,?)\}": "4.0",
    r"&>>|\|&|;;&|;&": "4.0",
    r"\bglobstar\b|\binherit_errexit\b": "4.0",
    r"\$\{[a-zA-Z_]\w*@[A-Za-z]\}": "4.4",
    r"\[-1\]\}": "4.3",
    r"\$(EPOCHSECONDS|EPOCHREALTIME|SRANDOM)": "5.0",
    r"\bwait -n\b": "4.3",
    r"\[\[ -v ": "4.2",
}
# What bash has, and sh as POSIX says has not.
NOT_POSIX = {r"\[\[": "[[", r"<\(": "<(…)", r"<<<": "<<<", r"\$'": "$'…'", r"\bfunction ": "function", r"==": "=="}


def found(name: str, newer: dict[str, str]) -> list[str]:
    """The lines of a file, comments aside, that fit one of the patterns, with what it stands for."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.lstrip().startswith("#")]
    return [f"{line.strip()} ({told})" for line in lines for each, told in newer.items() if re.search(each, line)]


def test_the_makefile_asks_for_no_newer_make() -> None:
    """GNU make 3.81 is of 2006, and what macOS has."""
    assert found("Makefile", NEWER_MAKE) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_ask_for_no_newer_shell(name: str) -> None:
    """bash 3.2 is of 2007; a script for sh has nothing of bash at all."""
    script = (ROOT / name).read_text()
    assert found(name, NEWER_BASH) == []
    if script.startswith("#!/bin/sh"):
        assert found(name, NOT_POSIX) == []
        subprocess.run(["sh", "-n", ROOT / name], check=True)


@pytest.mark.parametrize(
    ("line", "newer"),
    [
        ("x != date", NEWER_MAKE),
        ("a b &: c", NEWER_MAKE),
        ("y ::= 1", NEWER_MAKE),
        ("text := $(file < x)", NEWER_MAKE),
        ("declare -A seen", NEWER_BASH),
        ("mapfile -t lines", NEWER_BASH),
        ('echo "${name^^}"', NEWER_BASH),
        ("make |& tee log", NEWER_BASH),
        ("[[ $x == y ]]", NOT_POSIX),
    ],
)
def test_what_is_newer_is_known(
    line: str, newer: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests above would see it."""
    monkeypatch.setitem(found.__globals__, "ROOT", tmp_path)
    (tmp_path / "file").write_text(line + "\n")
    assert found("file", newer)


def test_endings_are_those_of_linux_everywhere() -> None:
    """Windows' git would give sh and make lines that end otherwise, which neither takes."""
    assert "* text=auto eol=lf\n" in (ROOT / ".gitattributes").read_text()
    kept = subprocess.run(["git", "ls-files", "--eol"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert [line for line in kept.splitlines() if re.match(r"i/(crlf|mixed)", line)] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_read_and_nothing_else(name: str) -> None:
    """Actions are pinned by digest, beside the version that it is of; every job ends some time."""
    text = (ROOT / name).read_text()
    told: dict[str, Any] = yaml.safe_load(text)
    assert told["permissions"] == {"contents": "read"}
    assert all("permissions" not in job and job["timeout-minutes"] <= 60 for job in told["jobs"].values())
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []
    # What it runs are commands that there are.
    targets = re.findall(r"run: make ([\w-]+)", text)
    known = re.search(r"^known +:= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert known is not None
    assert set(targets) <= set(known[1].split())


def complaints(folder: Path) -> str:
    """What is said of the workflows in a folder: by the schema, then by zizmor, which knows how they are misused."""
    schema = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    misuse = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--persona=pedantic"]
    found = ""
    for command in ([*schema, *sorted(map(str, folder.glob("*.yml")))], [*misuse, str(folder)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found += done.stdout + done.stderr if done.returncode else ""
    return found


def test_workflows_are_valid_and_safe() -> None:
    """A public forge is the first to run them, and tells nothing before."""
    assert complaints(ROOT / ".github" / "workflows") == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("workflow_dispatch:", "workflow_dispach:"),
        ("runs-on:", "run-on:"),
        ("timeout-minutes: 60", "timeout-minutes: sixty"),
        ("contents: read", "contents: write"),
        ("permissions:", "permission:"),
        ("@08c6903cd8c0fde910a37f88322edcfb5dd907a8", "@v5"),
        ("          persist-credentials: false\n", ""),
        ("- run: make up", "- run: make up ${{ github.event.pull_request.title }}"),
    ],
)
def test_a_workflow_that_is_wrong_is_seen(right: str, wrong: str, tmp_path: Path) -> None:
    """The test above would see it."""
    text = (ROOT / ".github" / "workflows" / "try.yml").read_text()
    assert right in text
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "try.yml").write_text(text.replace(right, wrong))
    assert complaints(tmp_path / ".github" / "workflows")
