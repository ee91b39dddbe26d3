"""The plot's data: dots, colours, marks and time."""

import json
import time
from pathlib import Path

import pytest

from tests.unit.console.conftest import FAST, SLOW, START, FakeJaeger
from workshop.console.colours import COLOURS, KNOWN, colour
from workshop.console.marks import INDEX, marks
from workshop.console.search.form import SearchForm
from workshop.console.search.found import search
from workshop.console.search.plot import plot_data
from workshop.console.search.window import Windows
from workshop.shop import ledger

BEGAN = START / 1e9


def history(folder: Path, *entries: dict[str, object]) -> str:
    """A file as the commands write it, with a line that was cut short."""
    file = folder / "checkouts.jsonl"
    file.write_text("\n".join([*map(json.dumps, entries), '{"time": 17']))
    return str(file)


def test_a_change_of_the_index_is_a_mark(jaeger: FakeJaeger, tmp_path: Path) -> None:
    """Between the slow trace and the fast one the index was created; checkouts are no marks."""
    file = history(
        tmp_path,
        {"time": BEGAN + 1, "kind": "fix"},
        {"time": BEGAN + 0.5, "kind": "checkout", "trace_id": SLOW},
        {"time": BEGAN - 5_000, "kind": "break"},
    )
    data = plot_data(search(Windows(jaeger), SearchForm(), time.time()), file, time.time())
    assert data["marks"] == [{"at": round((BEGAN + 1) * 1000), "text": "index created", "answer": False}]
    assert [dot[4] for dot in data["dots"]] == [SLOW, FAST]
    assert data["from"] < data["dots"][0][0] < data["marks"][0]["at"] < data["dots"][1][0] < data["to"]


def test_every_change_is_a_mark_when_it_is_made_and_when_it_is_undone(tmp_path: Path) -> None:
    """One that was never made is none, nor the index, which has its own, nor what the shop notes of a scenario."""
    scenario = {"time": 13, "kind": "break", "scenario": "retries"}
    file = history(tmp_path, {"time": 10, "kind": "fix"}, scenario)
    lines: list[dict[str, object]] = [
        {"number": 1, "time": 11, "state": "begun", "change": {"kind": "setting"}, "words": "payment: A=1"},
        {"number": 1, "time": 12, "state": "done"},
        {"number": 2, "time": 13, "state": "begun", "change": {"kind": "job"}, "words": "job: x"},
        {"number": 2, "time": 14, "state": "undone"},
        {"number": 3, "time": 15, "state": "begun", "change": {"name": "stock_movement_sku_idx"}, "words": "data"},
        {"number": 3, "time": 16, "state": "done"},
        {"number": 1, "time": 17, "state": "undoing"},
        {"number": 1, "time": 18, "state": "undone"},
    ]
    (tmp_path / "changes.jsonl").write_text("\n".join([*map(json.dumps, lines), "[]", "null", '{"number": 4']))
    assert [(mark.time, mark.text) for mark in marks(file, 0, 1e10)] == [
        (10, "index created"),
        (12, "payment: A=1"),
        (18, "undone: payment: A=1"),
    ]


def test_the_index_is_called_as_the_shop_calls_it() -> None:
    """Or each `make fix` would be two marks."""
    assert INDEX == ledger.INDEX


def test_marks_without_a_file_or_with_a_strange_one(tmp_path: Path) -> None:
    """Neither costs the page."""
    strange = tmp_path / "strange"
    strange.write_bytes(b"\xff\xfe{\n[]\n1\nnull\n")
    assert marks("", 0, 1e10) == marks(str(tmp_path / "absent"), 0, 1e10) == marks(str(strange), 0, 1e10) == []


def test_a_region_s_search_has_its_times(jaeger: FakeJaeger) -> None:
    """What the plot asks for to list a region finds exactly what lies in it."""
    windows = Windows(jaeger)
    data = plot_data(search(windows, SearchForm(), time.time()), "", time.time())
    assert data["query"] == {"service": "gateway", "operation": "POST /checkout"}
    query = {**data["query"], "from": str(BEGAN * 1000 - 500), "to": str(BEGAN * 1000 + 500), "min": "500ms"}
    found = search(windows, SearchForm.from_query(query), time.time())
    assert [trace.trace_id for trace in found.traces] == [SLOW]
    assert found.form.query()["from"] == int(BEGAN * 1000 - 500)


@pytest.mark.parametrize(
    "period", [("x", "1"), ("5", "1"), ("-1", "5"), ("nan", "nan"), ("1", "inf"), ("1e300", "1e301")]
)
def test_a_period_that_makes_no_sense_is_none(period: tuple[str, str]) -> None:
    """It is searched as if it was not there."""
    form = SearchForm.from_query({"from": period[0], "to": period[1]})
    assert (form.start, form.end) == (0.0, 0.0)


def test_a_service_keeps_its_colour() -> None:
    """Whatever other services there are; the shop's own have one each that no stranger gets."""
    assert [colour(name) for name in KNOWN] == list(range(len(KNOWN)))
    strangers = {colour(f"service-{number}") for number in range(200)}
    assert strangers == set(range(len(KNOWN), COLOURS))
    assert colour("billing") == colour("billing")
