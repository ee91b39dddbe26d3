"""The comparison in the terminal."""

import io

import pytest
from rich.console import Console

from tests.unit.traces.trace_shapes import checkout
from workshop.traces.comparison.populations import diff_many
from workshop.traces.comparison.two_traces import diff
from workshop.traces.showing.diff_view import DiffView


@pytest.mark.parametrize("width", [80, 100, 110, 120])
@pytest.mark.parametrize("pair", [False, True])
def test_the_name_of_the_biggest_change_is_whole(width: int, pair: bool) -> None:
    """In a terminal of the least width, too; what it takes comes from the bars, and then from the indent."""
    before, after = ([checkout(sum_ms=ms + n) for n in range(5)] for ms in (300, 2))
    console = Console(file=io.StringIO(), width=width)
    console.print(DiffView(diff(before[0], after[0]) if pair else diff_many(before, after)))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    (marked,) = [line for line in lines if line.startswith("▶")]
    assert " SELECT stock_movement " in marked
    assert "█" in marked
    assert max(map(len, lines)) <= width
