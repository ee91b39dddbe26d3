"""The README typed literally: every command of its `console` blocks, in order, on a fresh stack, with the output shown.

Numbers, ids, times and bars differ from run to run; everything else may not.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

from workshop.stack.local.scratch import ScratchStack
from workshop.stack.settings import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
# What is not typed here: Docker has its own tests, and the tests do not test themselves.
ELSEWHERE = re.compile(r"docker |make (test|lint|bench)\b")


@dataclass(frozen=True)
class Step:
    """A command as the README has it, and the lines that it shows below."""

    command: str
    shown: list[str]


def steps(text: str) -> Iterator[Step]:
    """The commands of all `console` blocks, in order."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield Step(command.partition("  #")[0].strip(), shown)


STEPS = [step for step in steps(README) if not ELSEWHERE.match(step.command)]


# Which pages PostgreSQL had in memory, had to read or wrote on the way, or none.
PAGES = re.compile(r"Buffers: |^Planning:$")
# A row of a waterfall or a comparison: service, then the span, whose name is as long as there is room.
ROW = re.compile(r"^(?:▶ *)?(gateway|order|inventory|payment) [│├└ ]*([^\s│├└]+) (\S{1,6})")


def elastic(line: str) -> str:
    """The line without what differs from run to run."""
    line = line.replace("127.0.0.1", "").strip()
    if PAGES.search(line):
        return ""
    line = re.sub(r" :\d+(?=/)", " ", line)
    if row := ROW.match(line):
        # A product that an earlier checkout bought, too, is not put into the cache again.
        return re.sub(r"×\d+", "×N", " ".join(row.groups()))
    line = re.sub(r"[│├└]", "", line)
    line = re.sub(r"\b[0-9a-f]{16,32}\b", "ID", line)
    line = re.sub(r"[█━╸╺░]+", "", line)
    line = re.sub(r"[-+]?\d[\d.,:]*", "N", line)
    line = re.sub(r"\bN (?:µs|ms|s|min)\b", "TIME", line)
    # Neither is a change; which of the two a leg is that hardly changed, chance decides.
    line = re.sub(r"\b(?:noise|small)(?= |$)", "no change", line)
    return re.sub(r"\s+", " ", line).strip()


# A row of a waterfall, and one right below the root, with all that is below it.
IN_WATERFALL = re.compile(r"^(?:▶ *)?(?:gateway|order|inventory|payment) ")
BELOW_THE_ROOT = re.compile(r"^(?:▶ *)?\w+ +[├└] (.*)")


def forked(lines: list[str]) -> list[str]:
    """A waterfall's rows with the root's calls by name: lookup and order begin together, the one or the other first."""
    head = next((number for number, line in enumerate(lines) if BELOW_THE_ROOT.match(line)), len(lines))
    rows = list(takewhile(IN_WATERFALL.match, lines[head:]))
    calls: list[list[str]] = []
    for line in rows:
        if BELOW_THE_ROOT.match(line):
            calls.append([])
        calls[-1].append(line)
    calls.sort(key=lambda call: BELOW_THE_ROOT.sub(r"\1", call[0]))
    return [*lines[:head], *(line for call in calls for line in call), *lines[head + len(rows) :]]


def unwrapped(lines: list[str]) -> list[str]:
    """The verdict of a comparison in one line, however long its numbers are."""
    text = "\n".join(lines)
    verdict = re.compile(r"^p50 [^\n]* before.*?(?=^ *service )", re.MULTILINE | re.DOTALL)
    return verdict.sub(lambda found: " ".join(found[0].split()) + "\n", text).splitlines()


def test_bars_and_numbers_are_elastic_and_words_are_not() -> None:
    """The comparison itself."""
    assert elastic("gateway ├ MGET   1.1 ms  0.5 ms  ░") == elastic("gateway ├ MGET    12 ms  3 ms  ░░")
    assert elastic("gateway └ SET ×3   9 ms  1 ms  ░") == elastic("gateway └ SET ×2   9 ms  1 ms  ░")
    leg = "gateway  MGET   2.7 ms  0.9 ms  4.7 ms  2.4 ms  -1.9 ms noise"
    assert elastic(leg) == elastic(leg.replace("noise", "small")) != elastic(leg.replace("noise", "yes"))
    one = "order  └ POST 127.0.0.1:8081/orders   0.75 ms  283 ms  ━━━━███"
    assert elastic(one) == elastic("order └ POST 127.0.0.1:40231/orders 1.2 ms 1.28 s ━█")
    assert elastic(one) != elastic(one.replace("orders", "items"))


def test_what_runs_side_by_side_may_begin_in_any_order() -> None:
    """The calls below the root change places as wholes; what is below one of them does not."""
    rows = ["gateway   POST /checkout  0 ms", "gateway   ├ MGET  1 ms", "gateway   ├ POST /orders  2 ms"]
    rows += ["order     │ └ POST /orders  3 ms", "longest leg: 1 ms"]
    other = [rows[0], rows[2], rows[3], rows[1].replace("├", "└"), rows[4]]
    assert [elastic(line) for line in forked(rows)] == [elastic(line) for line in forked(other)]
    wrong = [rows[0], rows[1], rows[3], rows[2], rows[4]]
    assert [elastic(line) for line in forked(wrong)] != [elastic(line) for line in forked(rows)]


def test_the_readme_has_the_commands_of_the_story() -> None:
    """Or there would be nothing to try."""
    typed = [step.command for step in STEPS]
    assert typed[0] == "make up"
    story = "checkout N=5, trace, explain, fix, checkout N=5, trace, diff".split(", ")
    story = [f"make {each}" for each in story]
    assert [command for command in typed if command in story][-len(story) :] == story


def test_the_readme_is_what_happens(tmp_path: Path) -> None:
    """Each command succeeds, in order, and prints what is shown below it."""
    stack = ScratchStack(tmp_path / "state", seed_movements=4_000_000)
    environment = {**stack.environment, "COLUMNS": "120"}
    try:
        for number, step in enumerate(STEPS):
            done = subprocess.run(
                ["sh", "-c", step.command],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, f"{number}. {step.command}\n{done.stdout}{done.stderr}"
            if step.shown:
                printed = [line for each in forked(unwrapped(done.stdout.splitlines())) if (line := elastic(each))]
                shown = [line for each in forked(unwrapped(step.shown)) if (line := elastic(each))]
                assert printed == shown, f"{number}. {step.command}"
    finally:
        subprocess.run(["sh", "-c", "make down"], cwd=ROOT, env=environment, capture_output=True, check=False)
        stack.spans("down")
        from workshop.stack.local import system

        system.remove(stack.settings)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.command)
def test_what_is_typed_is_in_makes_help(step: Step) -> None:
    """No command that is not there any more."""
    words = step.command.split()
    assert (
        words[0] != "make"
        or f"  make {words[1]} "
        in subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    )
