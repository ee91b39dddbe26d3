"""The commands: what they print, their exit codes, their errors."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.traces.sources.recorded_jaeger import Recorded, key, serving
from workshop.commands.traces import app
from workshop.shop import history

FOREIGN = Path(__file__).parents[2] / "fixtures" / "traces"
CONTRACT = Path(__file__).parents[2] / "contract" / "input.otlp.json"
SLOW_RETRIES = FOREIGN / "node_retries.otlp.json"
DECLINED = "5ca1ab1e00000000000000000000a003"


@pytest.fixture(autouse=True)
def no_checkouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was bought from this checkout, and no setting comes from outside."""
    monkeypatch.setattr(history, "entries", lambda: [])
    monkeypatch.delenv("JAEGER_URL", raising=False)
    monkeypatch.delenv("SPANS_DATABASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "140")


@pytest.fixture
def jaeger() -> Iterator[str]:
    """The URL of a Jaeger that knows one trace by its id."""
    server = Recorded()
    server.answers[key("/api/v3/trace-summaries?query.serviceName=gateway&query.operationName=POST%20/checkout")] = (
        server.answers[key("/api/v3/trace-summaries?query.serviceName=gateway")]
    )
    with serving(server) as url:
        yield url


def run(*arguments: str, code: int = 0) -> Any:
    """Runs a command and checks its exit code."""
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == code, result.output
    return result


def data(*arguments: str) -> Any:
    """What a command prints with --json."""
    return json.loads(run(*arguments, "--json").stdout)


def test_a_trace_by_its_id(jaeger: str) -> None:
    """Upper case too; the heading and the failed span are there, and no colour."""
    text = run("trace", DECLINED.upper(), "--jaeger", jaeger, "--json").stdout
    assert json.loads(text)["trace_id"] == DECLINED
    text = run("trace", DECLINED, "--jaeger", jaeger).stdout
    assert "10 spans, 4 services, 2 errors" in text and "ProcessOrder" in text and "\x1b" not in text


def test_the_account_of_a_trace() -> None:
    """Where the time went, in the terminal and as data; with --json it is in the waterfall's data, too."""
    file = str(FOREIGN / "kinds" / "queue_spread_over_four_calls.otlp.json")
    text = run("trace", file, "--account").stdout
    assert "96%    7.88 s  way there" in text and "front → rates" in text and "for somebody: queue" in text
    alone, beside = data("trace", file, "--account"), data("trace", file)
    assert alone["whole_ms"] == 8200 and sum(line["ms"] for line in alone["lines"]) == pytest.approx(8200)
    assert beside["account"] == alone["lines"] and beside["rows"]


def test_raw_clocks() -> None:
    """Where a clock was corrected it is said by how much, and the recorded times can be had."""
    file = str(FOREIGN / "go_clock_skew.otlp.json")
    assert "2 spans moved by up to 3.00 s (back's clock differs from its caller's)" in run("trace", file).stdout
    raw = data("trace", file, "--raw-clocks")
    assert [row["offset_ms"] for row in raw["rows"] if row["service"] == "back"] == [3004, 3010]
    assert "moved by" not in run("trace", file, "--raw-clocks").stdout


def test_raw_paths_are_one_operation() -> None:
    """A library that writes the path into the root's name: four traces, one diagnosis."""
    found = data("diagnose", str(FOREIGN / "kinds" / "population_of_raw_paths.otlp.jsonl"))
    assert (found["traces"], found["root"]) == (4, "api GET /u/{id}")


def test_a_diagnosis_as_data_has_the_account() -> None:
    """Of one trace its own; of several that of the one that is named."""
    single = str(FOREIGN / "kinds" / "queue_spread_over_four_calls.otlp.json")
    assert data("diagnose", single)["account"] == data("trace", single, "--account")["lines"]
    found = data("diagnose", str(FOREIGN / "kinds" / "population_of_raw_paths.otlp.jsonl"))
    assert sum(line["ms"] for line in found["account"]) == pytest.approx(found["ms"], rel=0.5) and found["trace_id"]


def test_a_trace_from_a_file() -> None:
    """Every trace of a file is shown."""
    text = run("trace", str(CONTRACT)).stdout
    assert text.count("longest leg:") == 7 and len(data("trace", str(CONTRACT))) == 7


def test_a_trace_in_full() -> None:
    """--full shows each repeat."""
    file = str(FOREIGN / "java_hibernate_n_plus_one.jaeger.json")
    assert len(run("trace", file).stdout.splitlines()) == 7
    assert run("trace", file, "--full").stdout.count("SELECT shop.item") == 41


def test_a_diagnosis_of_a_file() -> None:
    """The verdict, the evidence and the next step."""
    file = str(FOREIGN / "dotnet_external_call.jaeger.json")
    text = run("diagnose", file).stdout
    assert "1. external call: Billing waited for api.stripe.com 1.24 s" in text and "next: " in text
    found = data("diagnose", file)
    assert found["healthy"] is False and found["findings"][0]["rule"] == "external-call"


def test_a_diagnosis_of_a_file_with_a_population() -> None:
    """Traces that begin alike are diagnosed together."""
    found = data("diagnose", str(CONTRACT))
    assert [each["traces"] for each in found] == [3, 2, 1, 1]


def test_several_files_a_folder_and_standard_input() -> None:
    """All are read as one; what was odd is told on standard error, once, and the data stays data."""
    assert len(data("trace", str(CONTRACT), str(SLOW_RETRIES))) == 8
    packed = CliRunner().invoke(app, ["trace", "-", "--json"], input=gzip.compress(CONTRACT.read_bytes()))
    assert packed.exit_code == 0 and len(json.loads(packed.stdout)) == 7
    result = run("diagnose", str(FOREIGN), "--json")
    assert len(json.loads(result.stdout)) >= 18 and "README.md: it is not JSON" in result.stderr
    assert "README" not in result.stdout


def test_suspects_of_two_populations(tmp_path: Path, jaeger: str) -> None:
    """Files before and after: the service whose own code is slower; or that nothing changed."""
    document = json.loads(CONTRACT.read_text())
    slower = json.loads(CONTRACT.read_text())
    for resource in slower["resourceSpans"]:
        for each in resource["scopeSpans"][0]["spans"]:
            if each["name"] == "POST /checkout":
                each["endTimeUnixNano"] = str(int(each["endTimeUnixNano"]) + 3_000_000_000)
    for name, content in (("old", document), ("new", slower)):
        for copy in range(3):
            text = json.dumps(content).replace("5ca1ab1e00000000", f"5ca1ab1e0000000{copy}")
            (tmp_path / f"{name}-{copy}.json").write_text(text)
    old, new = ([str(tmp_path / f"{name}-{copy}.json") for copy in range(3)] for name in ("old", "new"))
    found = data("diagnose", *new, "--before", ",".join(old))
    assert found["changed"] is True and found["suspects"][0]["service"] == "gateway"
    assert found["suspects"][0]["ms"] > 500 and (found["before_traces"], found["after_traces"]) == (21, 21)
    text = run("diagnose", *new, "--before", old[0], "--before", old[1]).stdout
    assert "1. gateway" in text and "POST /checkout" in text and "21 traces, 14 before" in text
    assert "nothing changed" in run("diagnose", *old, "--before", ",".join(old)).stdout


def test_suspects_in_two_windows_of_a_jaeger(jaeger: str) -> None:
    """Both windows are searched; one without traces is named."""
    found = data("diagnose", "--service", "gateway", "--window", "10m", "--before-window", "1h", "--jaeger", jaeger)
    assert found["changed"] is False and (found["before_traces"], found["after_traces"]) == (1, 1)
    none = ["diagnose", "--service", "nope", "--window", "10m", "--jaeger", jaeger]
    assert "no trace of nope in the 1h before the last 10m" in run(*none, code=1).stderr


def test_a_diagnosis_by_id(jaeger: str) -> None:
    """A trace from Jaeger; no database is asked unless one is named."""
    assert "answered 402" in data("diagnose", DECLINED, "--jaeger", jaeger)["verdict"]


def test_the_last_checkout(jaeger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an id it is the newest, as Jaeger's search or this checkout's own notes have it."""
    assert data("trace", "--jaeger", jaeger)["trace_id"] == DECLINED
    bought = [{"kind": "checkout", "trace_id": "f" * 32, "time": 4e9, "status": 201}]
    monkeypatch.setattr(history, "entries", lambda: bought)
    monkeypatch.setattr("workshop.traces.sources.fetching.PATIENCE", 0.05)
    assert "has no trace ffff" in run("trace", "--jaeger", jaeger, code=1).stderr


def test_two_traces_compared() -> None:
    """Two files, each with one trace."""
    old = str(FOREIGN / "go_grpc_one_after_another.otlp.json")
    assert "no leg changed" in run("diff", old, old).stdout
    assert data("diff", old, old)["legs"][0]["change_ms"] == 0


def test_two_populations_compared() -> None:
    """Files with several traces, or lists of them."""
    found = data("diff", "--before", str(CONTRACT), "--after", f"{CONTRACT},{SLOW_RETRIES}")
    assert (found["before_traces"], found["after_traces"]) == (7, 8)
    assert "p50 then" in run("diff", "--before", str(CONTRACT), "--after", str(CONTRACT)).stdout


def test_before_and_after_the_fix(jaeger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone, diff takes the checkouts around the last fix."""
    assert "make fix" in run("diff", "--jaeger", jaeger, code=1).stderr
    bought = {"kind": "checkout", "trace_id": DECLINED, "time": 1.0, "status": 201}
    monkeypatch.setattr(history, "entries", lambda: [bought, {"kind": "fix"}, bought])
    assert data("diff", "--jaeger", jaeger)["before"]["trace_id"] == DECLINED


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["trace", "xyz!"], 2, "'xyz!' is not a trace id"),
        (["trace", "missing.json"], 1, "cannot read missing.json: No such file"),
        (["trace", "f" * 32], 1, "has no trace ffffffff"),
        (["diagnose", "abc", "--last", "3"], 2, "not both"),
        (["diagnose", "--operation", "GET /"], 2, "--operation needs --service"),
        (["diagnose", "--service", "nope"], 1, "no trace of nope in the last hour"),
        (["diagnose", "--before", "abc"], 2, "give traces and --before, or --service and --window"),
        (["diagnose", "--window", "10m"], 2, "give traces and --before, or --service and --window"),
        (["diagnose", "abc", "--window", "10m", "--service", "a"], 2, "not both"),
        (["diagnose", "--service", "gateway", "--window", "soon"], 2, "--window 'soon' is no length of time"),
        (["diagnose", "--service", "gateway", "--window", "0m"], 2, "is no length of time"),
        (["diagnose", "abc", "--before", "missing.json"], 1, "cannot read missing.json"),
        (["diff", "abc"], 2, "give A and B"),
        (["diff", "--before", "abc"], 2, "give A and B"),
        (["diff", "--before", ",", "--after", "abc"], 2, "no trace ids or files"),
        (["diagnose", str(FOREIGN / "README.md")], 1, "is not JSON"),
    ],
)
def test_errors_are_one_sentence(jaeger: str, arguments: list[str], code: int, message: str) -> None:
    """1 for what is not there, 2 for what was not understood; never a traceback."""
    error = run(*arguments, "--jaeger", jaeger, code=code).stderr
    assert message in " ".join(error.replace("│", " ").split()) and "Traceback" not in error


def test_nobody_answers() -> None:
    """The URL and the way out."""
    error = run("trace", "abc", "--jaeger", "http://127.0.0.1:1", code=1).stderr
    assert "no Jaeger answers at http://127.0.0.1:1" in error and "make up" in error


@pytest.mark.parametrize("command", ["trace", "diagnose", "diff"])
def test_help(command: str) -> None:
    """Every command explains itself and its options."""
    text = run(command, "--help").stdout
    assert "--json" in text and "--jaeger" in text
