"""Traces from files: OTLP and Jaeger's JSON, and what is neither."""

import gzip
import io
import json
from pathlib import Path

import pytest

from workshop.traces.model.trace import Trace
from workshop.traces.sources.files import UnknownFormat, load_file, read, traces_of

CONTRACT = Path(__file__).parents[3] / "contract"
FOREIGN = Path(__file__).parents[3] / "fixtures" / "traces"


def recorded(request: str) -> object:
    """What the real Jaeger answered."""
    for line in (CONTRACT / "jaeger-2.20-answers.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["request"] == request:
            return entry["answer"]
    raise AssertionError(request)


def facts(trace: Trace) -> list[tuple[object, ...]]:
    """What both of Jaeger's forms tell of a trace; times to the microsecond."""
    return sorted(
        (s.span_id, s.parent_id, s.service, s.name, s.kind, s.start // 1000, s.end // 1000, s.status, s.status_message,
         s.scope, len(s.events), sorted((link.trace_id, link.span_id) for link in s.links))
        for s in trace.spans
    )  # fmt: skip


def test_both_of_jaegers_forms_are_the_same_trace() -> None:
    """The v3 answer and the old one differ in shape only."""
    trace_id = "5ca1ab1e00000000000000000000a003"
    (new,) = traces_of(recorded(f"GET /api/v3/traces/{trace_id}"))
    (old,) = traces_of(recorded(f"GET /api/traces/{trace_id}"))
    assert facts(new) == facts(old)
    order = next(s for s in old.spans if s.name == "ProcessOrder")
    assert order.attributes["order.big"] == 9007199254740993 and order.attributes["order.gift"] is True
    assert "span.kind" not in order.attributes and "otel.scope.name" not in order.attributes


def test_what_was_sent_is_what_is_read() -> None:
    """The file that Jaeger was sent holds the traces that it answers with."""
    sent = {trace.trace_id: trace for trace in load_file(CONTRACT / "input.otlp.json")}
    assert len(sent) == 7
    for trace_id in (t for t in sent if t[-4] == "a"):
        (answered,) = traces_of(recorded("GET /api/v3/traces/5ca1ab1e00000000000000000000a003"))
        if trace_id == answered.trace_id:
            assert facts(answered) == facts(sent[trace_id])


def test_a_link_and_a_missing_service_name() -> None:
    """A consumer in a trace of its own keeps its link; no service.name is what Jaeger calls it."""
    (worker,) = traces_of(recorded("GET /api/traces/5ca1ab1e00000000000000000000b001"))
    assert worker.roots and worker.root.links[0].span_id == "000000000000010b"
    (nameless,) = traces_of(recorded("GET /api/traces/5ca1ab1e00000000000000000000d001"))
    assert nameless.services == ["missing-service-name"]


@pytest.mark.parametrize("wrapped", ["lines", "result", "list", "batches", "enum names"])
def test_otlp_as_others_write_it(tmp_path: Path, wrapped: str) -> None:
    """One document a line, an answer's wrapping, a list, Tempo's batches, enum names instead of numbers."""
    document = json.loads((CONTRACT / "input.otlp.json").read_text())
    if wrapped == "lines":
        text = "\n".join(json.dumps({"resourceSpans": [each]}) for each in document["resourceSpans"])
    elif wrapped == "list":
        text = json.dumps([document])
    elif wrapped == "batches":
        text = json.dumps({"batches": document["resourceSpans"]})
    elif wrapped == "result":
        text = json.dumps({"result": document})
    else:
        text = json.dumps(document).replace('"kind": 2', '"kind": "SPAN_KIND_SERVER"')
        text = text.replace('"code": 2', '"code": "STATUS_CODE_ERROR"')
    file = tmp_path / "trace.json"
    file.write_text(text)
    plain = load_file(CONTRACT / "input.otlp.json")
    assert [facts(trace) for trace in load_file(file)] == [facts(trace) for trace in plain]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("hello", "is not JSON"),
        ("[]", "no spans in it"),
        ('{"resourceSpans": []}', "no spans in it"),
        ('{"a": 1, "b": 2}', "found a, b"),
        ("17", "holds 17 where an object was expected"),
        ('{"data": [{"traceID": "1", "spans": [{"spanID": "1"}]}]}', "no spans in it; a span has no startTime"),
        ('{"resourceSpans": 3}', "no spans in it; resourceSpans where a list was expected: found 3"),
    ],
)
def test_what_is_no_trace_is_refused_with_a_reason(tmp_path: Path, text: str, reason: str) -> None:
    """The message names the file and what was found."""
    file = tmp_path / "odd.json"
    file.write_text(text)
    with pytest.raises(UnknownFormat, match=reason) as error:
        load_file(file)
    assert "odd.json" in str(error.value)


def test_several_files_are_read_as_one(tmp_path: Path) -> None:
    """A trace whose spans lie in several files is one trace; a span that came twice is one span."""
    document = json.loads((CONTRACT / "input.otlp.json").read_text())
    names = []
    for number, each in enumerate(document["resourceSpans"]):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps({"resourceSpans": [each]}))
        names.append(str(file))
    plain = load_file(CONTRACT / "input.otlp.json")
    assert [facts(trace) for trace in read([*names, names[0]]).traces] == [facts(trace) for trace in plain]


def test_a_folder_is_read_with_what_is_below_it(tmp_path: Path) -> None:
    """What is no trace is skipped and named; hidden files are not looked at; a folder without traces is refused."""
    below = tmp_path / "below"
    below.mkdir()
    (tmp_path / "README.md").write_text("# traces")
    (tmp_path / ".hidden").write_text("x")
    (below / "trace").write_bytes((CONTRACT / "input.otlp.json").read_bytes())
    reading = read([str(tmp_path)])
    assert len(reading.traces) == 7 and len(reading.notes) == 1 and "README.md: it is not JSON" in reading.notes[0]
    (below / "trace").unlink()
    with pytest.raises(UnknownFormat, match="README"):
        read([str(tmp_path)])
    with pytest.raises(UnknownFormat, match="no file in this folder"):
        read([str(below)])


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is what comes in, packed or not."""
    data = gzip.compress((CONTRACT / "input.otlp.json").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert len(read(["-"]).traces) == 7
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x")))
    with pytest.raises(UnknownFormat, match="standard input: it is not JSON"):
        read(["-"])


def test_a_follows_from_inside_the_trace_is_the_parent() -> None:
    """OpenTracing's clients: the parent did not wait."""
    (trace,) = load_file(FOREIGN / "opentracing_follows_from.jaeger.json")
    late = next(span for span in trace.spans if span.name == "send_mail")
    assert late.follows and not late.waited_for and trace.parent(late) is trace.root


@pytest.mark.parametrize("file", sorted(FOREIGN.glob("*.json")), ids=lambda path: path.name.split(".")[0])
def test_every_foreign_trace_is_read(file: Path) -> None:
    """Each file holds one trace with one root."""
    (trace,) = load_file(file)
    assert len(trace.roots) == 1 and len(trace) > 1
