"""Whatever a file holds: it is read, shown, diagnosed and compared, or refused in one sentence. Never a traceback."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.unit.traces.sources.formats.same_trace import FORMS
from workshop.traces.comparison.two_traces import diff
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.showing import rows
from workshop.traces.showing.diagnosis_view import DiagnosisView
from workshop.traces.showing.diff_view import DiffView
from workshop.traces.showing.suspects_view import SuspectsView
from workshop.traces.showing.waterfall import Waterfall, as_json
from workshop.traces.sources.files import UnknownFormat, read_bytes
from workshop.traces.suspects.compare import compare

TRACES = Path(__file__).parents[4] / "fixtures" / "traces"
FIXTURES = sorted(path for path in TRACES.rglob("*.json*") if path.stat().st_size < 40_000)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**63, 2**64, 10**400, 1e308, float("inf"), float("nan"), 1e-300]),
    st.text(max_size=20),
    st.sampled_from(["", "0", "\x1b[31m", "a\nb", "\ud800", "[bold]", "x" * 3000, "%s", "{id}", "AAAAAAAAAAA="]),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers(), max_size=3),
)


def use(data: bytes) -> None:
    """Does with a file's bytes whatever a command does with a file."""
    try:
        reading = read_bytes(data, "file")
    except UnknownFormat as error:
        assert str(error).startswith("file: ") and len(str(error)) < 1500 and "\n" not in str(error)
        return
    assert reading.traces and all(trace.spans for trace in reading.traces)
    assert len(reading.notes) <= 21 and not any("\n" in note for note in reading.notes)
    console = Console(file=io.TextIOWrapper(io.BytesIO(), "utf-8"), width=100)
    for trace in reading.traces[:3]:
        found = diagnose(trace)
        console.print(Waterfall(trace), DiagnosisView(found))
        json.dumps(
            [found.as_json(), as_json(rows.table(trace, collapse=False, limit=None))], ensure_ascii=False
        ).encode()
    if len(reading.traces) > 1:
        console.print(DiagnosisView(diagnose_many(reading.traces)))
    suspected = compare(reading.traces[:1], reading.traces[-5:])
    console.print(SuspectsView(suspected))
    json.dumps(suspected.as_json(), ensure_ascii=False, allow_nan=False).encode()
    compared = diff(reading.traces[0], reading.traces[-1])
    console.print(DiffView(compared, full=True))
    json.dumps(compared.as_json(), ensure_ascii=False).encode()


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: what holds it, and under which key."""
    found: list[tuple[Any, Any]] = []
    stack = [document]
    while stack:
        held = stack.pop()
        keys = list(held) if isinstance(held, dict) else range(len(held)) if isinstance(held, list) else ()
        found += [(held, key) for key in keys]
        stack += [held[key] for key in keys]
    return found


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A fixture in which some values were replaced, removed, doubled, or exchanged for another place's."""
    path = draw(st.sampled_from(FIXTURES))
    documents = [json.loads(line) for line in path.read_text().splitlines()] if path.suffix == ".jsonl" else None
    document = documents or json.loads(path.read_text())
    for _ in range(draw(st.integers(1, 6))):
        spots = places(document)
        if not spots:
            break
        held, key = spots[draw(st.integers(0, len(spots) - 1))]
        how = draw(st.sampled_from(["replace", "replace", "replace", "remove", "exchange", "double"]))
        if how == "replace":
            held[key] = draw(ODD)
        elif how == "remove":
            del held[key]
        elif how == "double" and isinstance(held, list):
            held.append(held[key])
        else:
            other, where = spots[draw(st.integers(0, len(spots) - 1))]
            held[key] = json.loads(json.dumps(other[where]))
    return json.dumps(document).encode()


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_every_fixture_is_used_unchanged(path: Path) -> None:
    """What the mutations begin from can be read."""
    assert read_bytes(path.read_bytes(), "file").traces
    use(path.read_bytes())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutations())
def test_mutations_of_every_fixture(data: bytes) -> None:
    """One to six changes anywhere in the document."""
    use(data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.data())
def test_bytes_changed_in_every_form(form: str, data: st.DataObject) -> None:
    """Cut, overwritten, inserted into; packed or not."""
    raw = bytearray(FORMS[form]())
    if data.draw(st.booleans()):
        raw = bytearray(gzip.compress(bytes(raw)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        piece = data.draw(st.binary(max_size=4))
        raw[at : at + data.draw(st.integers(0, 4))] = piece
    use(bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(data: bytes) -> None:
    """Random ones, text or not, also behind what begins like a known form."""
    for front in (
        b"",
        b"{",
        b"[{",
        b"\x1f\x8b\x08",
        b"\x28\xb5\x2f\xfd",
        b"\n",
        b"\0\0\0\x05",
        b"\xff\xfe",
        b'{"data":',
    ):
        use(front + data)


@settings(max_examples=100, deadline=None)
@given(st.recursive(ODD, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner)))
def test_any_json(document: Any) -> None:
    """Any value, also under every key that a form is recognised by."""
    use(json.dumps(document).encode())
    for key in ("resourceSpans", "batches", "data", "result", "trace", "spans", "error", "errors", "message", "traces"):
        use(json.dumps({key: document, "processes": document, "traceID": "1"}).encode())
    for keys in (("traceId", "id"), ("traceID", "spanID"), ("trace_id", "span_id")):
        use(json.dumps([dict.fromkeys([*keys, "timestamp", "startTime", "startTimeUnixNano"], document)]).encode())
