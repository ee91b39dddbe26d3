"""A trace as the data that the trace page draws."""

import json

import pytest

from tests.unit.console.conftest import SLOW, START
from tests.unit.console.console_traces import huge, repeats
from workshop.console.trace.data import MAX_STRETCHES, as_text, trace_data
from workshop.traces.sources.files import traces_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (2**60, str(2**60)),
        (float("nan"), "nan"),
        (b"\x01\xff", "01 ff"),
        (["é", 1], '["é", 1]'),
    ],
)
def test_attribute_values_of_every_type_are_text(value: object, text: str) -> None:
    """A browser's JSON knows neither NaN nor large integers nor bytes."""
    assert as_text(value) == text


def test_the_data_of_a_huge_trace_stays_bounded() -> None:
    """A span with thousands of children sends only its longest gaps."""
    (trace,) = traces_of(huge(SLOW, START, 6_000))
    data = trace_data(trace, {})
    assert len(data["spans"]) == 6_000
    assert max(len(each.get("gaps", ())) for each in data["spans"]) <= MAX_STRETCHES
    assert len(json.dumps(data)) < 6_000 * 400


def test_repeats_are_told_by_their_ids() -> None:
    """Siblings that do the same work are named, so that the page can fold them."""
    (trace,) = traces_of(repeats(SLOW, START))
    assert [len(ids) for ids in trace_data(trace, {})["repeats"]] == [8]
