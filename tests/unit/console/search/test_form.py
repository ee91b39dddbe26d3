"""What the search form's fields mean."""

import pytest

from workshop.console.search.form import SearchForm, milliseconds


@pytest.mark.parametrize(
    ("text", "ms"), [("100", 100), ("1.5s", 1500), ("250 ms", 250), ("500us", 0.5), ("2min", 120_000), ("", None)]
)
def test_durations_are_read_with_or_without_unit(text: str, ms: float | None) -> None:
    """A bare number is milliseconds."""
    assert milliseconds("at least", text) == ms


def test_the_form_keeps_out_of_the_address_what_is_at_its_default() -> None:
    """An address holds only what narrows the search."""
    form = SearchForm.from_query({"service": "order", "lookback": "6h", "limit": "50", "sort": "nonsense"})
    assert form.query() == {"service": "order", "lookback": "6h"}
    assert form.query(lookback="24h") == {"service": "order", "lookback": "24h"}


def test_bounds_that_exclude_each_other_are_told() -> None:
    """Looking further back would not help."""
    form = SearchForm.from_query({"min": "2s", "max": "100ms"})
    assert form.errors == ["at least 2s and at most 100ms: nothing is both"]
    assert SearchForm.from_query({"min": "100ms", "max": "2s"}).errors == []


@pytest.mark.parametrize(("limit", "taken"), [("0", 1), ("99999999", 1500), ("-3", 50), ("x", 50)])
def test_the_number_of_traces_is_bounded(limit: str, taken: int) -> None:
    """No address makes Jaeger and the page handle everything there is."""
    assert SearchForm.from_query({"limit": limit}).limit == taken
