"""What is odd is read as well as can be, and told once; one bad span never loses the file."""

import copy
import json
from typing import Any

import pytest

from tests.unit.traces.sources.formats.same_trace import T0, dumped, jaeger, otlp
from workshop.traces.model.trace import Span, Trace
from workshop.traces.sources.files import read_bytes


def changed(**fields: Any) -> tuple[Span, list[str]]:
    """The statement's span after some of its fields were changed in OTLP's JSON, and the notes."""
    document = otlp()
    raw = document["resourceSpans"][0]["scopeSpans"][0]["spans"][1]
    raw.update(fields)
    return _second(read_bytes(dumped(document), "f").traces), read_bytes(dumped(document), "f").notes


def in_jaeger(**fields: Any) -> tuple[Span, list[str]]:
    """The same in Jaeger's JSON."""
    document = jaeger()
    document["data"][0]["spans"][1].update(fields)
    return _second(read_bytes(dumped(document), "f").traces), read_bytes(dumped(document), "f").notes


def _second(traces: list[Trace]) -> Span:
    spans = [span for trace in traces for span in trace.spans if span.name != "GET /x"]
    assert len(spans) == 1
    return spans[0]


@pytest.mark.parametrize(
    ("name", "read"),
    [(None, "(no name)"), ("", "(no name)"), (5, "5"), ([1], "(no name)"), ({"a": 1}, "(no name)"), (True, "true")],
)
def test_names_that_are_no_text(name: Any, read: str) -> None:
    """A number is read as its digits, what says nothing as `(no name)`, in both forms; one note each."""
    for (span, notes), field in ((changed(name=name), "a span's name"), (in_jaeger(operationName=name), "operationN")):
        assert span.name == read and len(notes) == 1 and field in notes[0]


@pytest.mark.parametrize(
    "start", [T0, str(T0), float(T0), f"{T0}.0", "2025-10-09T08:53:20Z", "2025-10-09T10:53:20+02:00"]
)
def test_times_as_text(start: Any) -> None:
    """Digits, a fraction, a date with its zone."""
    span, _ = changed(startTimeUnixNano=start)
    assert span.start == T0 and not span.unfinished
    assert in_jaeger(startTime=str(T0 // 1000), duration="250000")[0].end == T0 + 250_000_000
    assert in_jaeger(startTime=T0 / 1000)[0].start == T0


@pytest.mark.parametrize("end", [None, "", "soon", -5, 10**30, "NaN", [], {}, True])
def test_times_that_are_none(end: Any) -> None:
    """The span is read as one that never ended; it costs no other."""
    for span, notes in (changed(endTimeUnixNano=end), in_jaeger(duration=end)):
        assert span.unfinished and span.duration == 0 and 1 <= len(notes) <= 2


def test_a_span_without_any_time() -> None:
    """It cannot be placed: left out and told."""
    document = otlp()
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][1].update(startTimeUnixNano="x", endTimeUnixNano=None)
    reading = read_bytes(dumped(document), "f")
    assert len(reading.traces[0]) == 1 and "a span has neither start nor end" in reading.notes[1]


def test_an_oddity_of_many_spans_is_told_once() -> None:
    """With a count and the first place."""
    document = otlp()
    scope = document["resourceSpans"][0]["scopeSpans"][0]
    scope["spans"] += [scope["spans"][1] | {"spanId": f"{i:016x}", "name": None} for i in range(3, 103)]
    reading = read_bytes(dumped(document), "f")
    assert len(reading.traces[0]) == 102
    assert reading.notes == ["f: a span's name is null or not there (100 times, first): read as (no name)"]


@pytest.mark.parametrize("bad", [None, 7, "x", [], {"name": 1}, {"spanId": []}, {"attributes": 3, "events": "x"}])
def test_one_bad_span_never_loses_the_file(bad: Any) -> None:
    """Whatever stands in the list of spans."""
    document = otlp()
    document["resourceSpans"][0]["scopeSpans"][0]["spans"].insert(1, bad)
    reading = read_bytes(dumped(document), "f")
    assert len(reading.traces[0]) == 2 and reading.notes
    document = jaeger()
    document["data"][0]["spans"].insert(1, bad)
    reading = read_bytes(dumped(document), "f")
    assert len(reading.traces[0]) == 2 and reading.notes


@pytest.mark.parametrize(
    "where", ["resource", "scope", "attributes", "events", "links", "status", "kind", "logs", "tags"]
)
@pytest.mark.parametrize("bad", [7, "x", [1, None], {"a": 1}, True, 1e400])
def test_parts_of_another_kind(where: str, bad: Any) -> None:
    """The part is left out or read as it is; the spans stay."""
    document: dict[str, Any] = otlp()
    resource = document["resourceSpans"][0]
    holder = {"resource": resource, "scope": resource["scopeSpans"][0]}.get(
        where, resource["scopeSpans"][0]["spans"][1]
    )
    holder[where] = bad
    assert len(read_bytes(dumped(document), "f").traces[0]) == 2
    span, _ = in_jaeger(**{where: bad})
    assert span.ms == 250


def test_odd_tags() -> None:
    """Values as text are read by their type, a map of tags as it is, an odd pair costs itself only."""
    tags = [
        {"key": "a", "type": "int64", "value": "12"},
        {"key": "b", "type": "int64", "value": "many"},
        {"key": "c", "type": "bool", "value": "true"},
        {"key": "d", "type": "float64", "value": "0.5"},
        {"key": 5, "value": {"deep": [1]}},
        {"value": 1},
        None,
    ]
    span, notes = in_jaeger(tags=tags)
    assert span.attributes == {"a": 12, "b": "many", "c": True, "d": 0.5, "5": {"deep": [1]}, "(no key)": 1}
    assert any("an element of tags" in note for note in notes)
    assert in_jaeger(tags={"span.kind": "client", "x": "y"})[0].attributes == {"x": "y"}
    assert changed(attributes={"x": "y"})[0].attributes == {"x": "y"}
    assert changed(attributes=[{"key": "x", "value": "y"}])[0].attributes == {"x": "y"}
    odd = [{"key": "n", "value": {"intValue": "12x"}}, {"key": "s", "value": {"string_value": "t"}}]
    assert changed(attributes=odd)[0].attributes == {"n": "12x", "s": "t"}


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        ("ConnectionRefused", "error", "ConnectionRefused"),
        ("true", "error", "it broke"),
        (True, "error", "it broke"),
        ("false", "unset", "it broke"),
        ("", "unset", "it broke"),
        (False, "unset", "it broke"),
        (1, "error", "it broke"),
    ],
)
def test_an_error_tag(error: Any, status: str, words: str) -> None:
    """Zipkin's convention: a text in it is the error."""
    tags = [{"key": "error", "value": error}]
    message = {"key": "otel.status_description", "value": "it broke"}
    span, _ = in_jaeger(tags=tags if words == error else [*tags, message])
    assert (span.status, span.status_message) == (status, words)


def ids_of(*pairs: tuple[Any, Any], trace: Any = "t") -> Trace:
    """A trace of spans with these ids, each with its parent's."""
    spans = [
        {"traceId": trace, "spanId": own, "parentSpanId": parent, "name": str(i), "startTimeUnixNano": str(T0 + i),
         "endTimeUnixNano": str(T0 + 1000)}
        for i, (own, parent) in enumerate(pairs)
    ]  # fmt: skip
    (found,) = read_bytes(dumped({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}), "f").traces
    return found


@pytest.mark.parametrize(
    ("root", "child"),
    [
        ("root", "step-1"),
        ("a" * 64, "b" * 64),
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440001"),
        (1, 2),
        (12345678901234567890, 12345678901234567891),
        ("A", "a"),
        ("1", "01"),
        ("größe", "日本"),
        ("a/b c", "a b/c"),
        ("x" * 10_000, "y" * 10_000),
        ("AAAAAAAAAAE=", "AAAAAAAAAAI="),
        ("a=", "b="),
    ],
)
def test_any_text_is_an_id(root: Any, child: Any) -> None:
    """Two ids that differ are two spans, one below the other."""
    trace = ids_of((root, None), (child, root), trace=root)
    assert len(trace) == 2 and len(trace.roots) == 1 and not trace.orphans
    assert trace.parent(trace.spans[1]) is trace.spans[0]


@pytest.mark.parametrize("nothing", [None, "", "0", "0000000000000000", "AAAAAAAAAAA=", " ", 0, [], {}])
def test_what_says_that_there_is_no_parent(nothing: Any) -> None:
    """Zeros in hex, in base64, as a number; what is no id at all."""
    assert len(ids_of(("1", nothing)).roots) == 1


def test_one_id_in_several_spellings() -> None:
    """Upper case, without leading zeros, in base64."""
    for spelling in ("00000000000000AB", "ab", "AAAAAAAAAKs="):
        trace = ids_of(("00000000000000ab", ""), ("cd", spelling))
        assert not trace.orphans and trace.spans[0].span_id == "00000000000000ab"


def test_spans_without_ids() -> None:
    """Both are read; nothing can be below them, and without a trace's id they are one trace."""
    trace = ids_of((None, None), ([], "1"), ("1", None), trace=None)
    assert len(trace) == 3 and trace.trace_id == "no-trace-id"


def test_what_json_and_terminals_cannot_say() -> None:
    """NaN, infinity, half a surrogate pair, huge numbers: nothing that breaks what is printed later."""
    document = json.dumps(otlp()).replace('"it broke"', '"a\\ud800b\\\\ud800 \\ud83d\\ude00"')
    document = document.replace('"0.5"', "NaN").replace("0.5", "NaN").replace('"9007199254740993"', "9" * 5000)
    (trace,) = read_bytes(document.encode(), "f").traces
    assert trace.spans[1].status_message == "a\ufffdb\\ud800 😀"
    assert trace.root.attributes["share"] == "NaN"
    text = json.dumps([trace.root.attributes, trace.spans[1].status_message], allow_nan=False, ensure_ascii=False)
    assert text.encode()


def test_the_same_document_read_twice_is_the_same() -> None:
    """Reading changes nothing in what it is given."""
    from workshop.traces.sources.files import traces_of

    document = jaeger()
    before = copy.deepcopy(document)
    assert len(traces_of(document)[0]) == len(traces_of(document)[0]) == 2 and document == before
