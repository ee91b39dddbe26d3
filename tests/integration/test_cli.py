"""`spans` as a person types it: one session on the running stack, and what it says when something is missing."""

import json
import re
from pathlib import Path

import pytest

from workshop.stack.local.scratch import ScratchStack

from .conftest import Stack
from .shape import SPANS

TRACE_ID = re.compile(r"\b[0-9a-f]{32}\b")
# Commands that need a running system.
ALONE = [[name] for name in "checkout trace diagnose diff explain fix break hunt load logs".split()]
NO_SUCH_TRACE = "0123456789abcdef0123456789abcdef"


def words(text: str) -> str:
    """The text on one line: where a terminal wraps it does not matter here."""
    return " ".join(text.split())


def bought(stack: Stack, *arguments: str) -> list[str]:
    """The trace ids that `spans checkout` printed, after it succeeded."""
    return [match[0] for line in stack.must("checkout", *arguments).splitlines() if (match := TRACE_ID.search(line))]


def test_a_session(stack: Stack) -> None:
    """Slow, looked at, explained, fixed, compared, broken again: the workshop's way through the commands."""
    printed = stack.must("checkout", "--count", "5")
    assert len(re.findall(r"^201 +[\d,]+ ms  http", printed, re.MULTILINE)) == 5
    assert re.search(r"p50 \d+ ms, p95 \d+ ms of 5 checkouts", printed)
    last = TRACE_ID.findall(printed)[-1]

    waterfall = stack.must("trace")
    assert last in waterfall
    assert re.search(r"^▶ +inventory .*SELECT stock_movement", waterfall, re.MULTILINE)
    assert json.loads(stack.must("trace", last, "--json"))["longest_leg"]["service"] == "inventory"
    assert "an index on (sku) is missing" in words(stack.must("diagnose"))
    plan = stack.must("explain", "--items", "SKU-00011 SKU-01234 SKU-04321")
    assert re.search(r"^> .*Seq Scan on stock_movement", plan, re.MULTILINE)
    assert "make fix creates it" in plan

    assert "make diff shows what changed" in stack.must("fix")
    stack.must("fix")  # safe to repeat
    try:
        bought(stack, "--count", "5")
        assert "healthy: the longest leg is payment POST" in words(stack.must("diagnose"))
        assert "The index stock_movement_sku_idx is used: make break" in stack.must("explain")
        assert "the biggest change is inventory SELECT stock_movement" in words(stack.must("diff"))
    finally:
        stack.must("break")
    stack.must("break")  # safe to repeat
    assert "An index on stock_movement (sku) is missing: make fix" in stack.must("explain")


def test_status_shows_every_process(stack: Stack) -> None:
    """All are ready, and the index's state is told."""
    printed = stack.must("status")
    assert len(re.findall(r"  running .*  yes$", printed, re.MULTILINE)) == 10
    assert "is missing (make fix creates it)" in printed


def test_logs_of_a_service(stack: Stack) -> None:
    """The last lines, readable, or as they were written; of all processes they are in order of time."""
    (trace_id,) = bought(stack)
    printed = stack.must("logs", "payment", "--no-follow", "--lines", "5")
    assert re.fullmatch(r"payment +[\d:.]+ INFO POST /charges answered 201 in [\d.]+ ms", printed.splitlines()[-1])
    as_written = stack.must("logs", "payment", "--no-follow", "--lines", "5", "--json")
    assert trace_id in json.loads(as_written.splitlines()[-1])["trace_id"]
    every = stack.must("logs", "--no-follow", "--lines", "20")
    clocks = re.findall(r"^[\w-]+ +(\d\d:\d\d:\d\d\.\d{3}) ", every, re.MULTILINE)
    assert len(clocks) > 20
    assert clocks == sorted(clocks)


def test_logs_of_a_trace(stack: Stack) -> None:
    """Every service's lines on one timeline with the spans, a callee's last word before its caller's."""
    # Twice: the first puts the products into the cache.
    trace_id = [bought(stack, "--items", "SKU-00011 SKU-01234")[0] for _ in range(2)][-1]
    printed = stack.must("logs", trace_id)
    assert f"{SPANS} spans, 9 log lines of 4 services" in printed
    lines = [line for line in printed.splitlines() if " INFO " in line]
    told = [
        *("checkout of", "received", "reserved", "POST /reservations", "captured", "POST /charges"),
        *("confirmed", "POST /orders", "POST /checkout"),
    ]
    assert [what for line, what in zip(lines, told, strict=True) if what in line] == told
    indents = [line.index("POST") - line.index("INFO") for line in lines if "POST" in line]
    assert indents[0] == indents[1] > indents[2] > indents[3]

    data = json.loads(stack.must("logs", trace_id.upper(), "--json"))
    assert {line["trace_id"] for line in data["lines"]} == {trace_id}
    told = "gateway order inventory inventory payment payment order order gateway".split()
    assert [line["service"] for line in data["lines"]] == told
    assert len(data["spans"]) == SPANS
    offsets = [line["offset_ms"] for line in data["lines"]]
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= data["spans"][0]["duration_ms"] + 1 for offset in offsets)


@pytest.mark.parametrize("level", ["1", "2"])
def test_a_hunt(stack: Stack, level: str) -> None:
    """Real lines of the running services without ids; the solution names lines, service and statement."""
    printed = stack.must("hunt", "--checkouts", "6", "--clients", "3", "--level", level)
    assert not TRACE_ID.search(printed)
    ends = re.search(r"ends in …(\w+)", printed)
    assert ends is not None
    folder = stack.settings.state / "hunt"
    logs = {path.name: path.read_text().splitlines() for path in folder.iterdir()}
    assert not any(TRACE_ID.search(line) for lines in logs.values() for line in lines)
    slow = [line for line in logs["postgresql.log"] if "duration:" in line]
    assert bool(slow) == (level == "2")
    answer = stack.must("hunt", "--answer")
    (trace_id,) = set(TRACE_ID.findall(answer))
    mine = re.search(r"^ +order.log +([\d, ]+)$", answer, re.MULTILINE)
    assert mine is not None
    meant = [logs["order.log"][int(number) - 1] for number in mine[1].split(",")]
    assert len(meant) == 2
    assert all(f"{ends[1]} " in line or f"{ends[1]}:" in line for line in meant)
    assert re.search(r"inventory, for [\d,.]+ m?s of", answer)
    assert "FROM stock_movement WHERE sku = ANY" in words(answer)
    assert trace_id in stack.must("trace")


def test_with_the_index_nobody_would_complain(stack: Stack) -> None:
    """A hunt says so before anybody buys."""
    stack.must("fix")
    try:
        done = stack.spans("hunt")
    finally:
        stack.must("break")
    assert done.returncode == 1
    assert "nobody would complain" in words(done.stderr)


def test_a_declined_card_is_exit_code_1(stack: Stack) -> None:
    """The customer's reason is shown, and the diagnosis knows where it came from."""
    done = stack.spans("checkout", "--card", "4000000000000002")
    assert done.returncode == 1
    assert re.search(r"^402 .*\n +the card was declined$", done.stdout, re.MULTILINE)
    assert "began in payment POST" in words(stack.must("diagnose"))


def test_load(stack: Stack) -> None:
    """A few seconds of customers, none of whom fails."""
    done = stack.spans("load", "--users", "2", "--duration", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* checkouts, .* 0 failed", done.stdout)


@pytest.mark.parametrize("command", ["trace", "diagnose", "logs"])
def test_an_unknown_trace_is_told(stack: Stack, command: str) -> None:
    """Exit code 1, one sentence, no traceback."""
    done = stack.spans(command, NO_SUCH_TRACE)
    assert done.returncode == 1
    assert re.match(r"error: .*no trace 0123456789abcdef", done.stderr), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["logs", "ordr"], 1, "'ordr' is neither a process (postgres, "),
        (["checkout", "--items", "SKU-00001:x"], 1, "write SKU:quantity"),
        (["trace", "not-an-id"], 2, "is not a trace id"),
        (["load", "--rate", "fast"], 1, "RATE is 'fast'"),
    ],
    ids=["process", "item", "trace id", "rate"],
)
def test_what_was_typed_wrong_is_told(stack: Stack, arguments: list[str], code: int, says: str) -> None:
    """The wrong word, and how it is written right."""
    done = stack.spans(*arguments)
    assert done.returncode == code
    assert says in words(done.stderr).replace("│ ", "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [*ALONE, ["logs", NO_SUCH_TRACE], ["trace", NO_SUCH_TRACE], ["hunt", "--answer"]],
    ids=" ".join,
)
def test_with_nothing_up_the_next_step_is_told(tmp_path: Path, arguments: list[str]) -> None:
    """Exit code 1 and one sentence that says what to type."""
    done = ScratchStack(tmp_path).spans(*arguments)
    assert done.returncode == 1, done.stdout
    assert re.search(r"make (up|checkout|status|hunt)", words(done.stderr)), done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_status_with_nothing_up(tmp_path: Path) -> None:
    """Exit code 1, and what starts it."""
    done = ScratchStack(tmp_path).spans("status")
    assert (done.returncode, done.stdout) == (1, "Nothing is up. make up starts the system.\n")
