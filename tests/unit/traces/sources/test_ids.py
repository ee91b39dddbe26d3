"""Ids as people paste them."""

import pytest

from workshop.traces.sources import ids


@pytest.mark.parametrize("text", ["é=", "�=", "abc=", "====", "日本語==", "=", "ab\x00=", "A" * 40 + "="])
def test_what_only_looks_like_base64_is_no_id(text: str) -> None:
    """Whatever the letters are, it is said."""
    with pytest.raises(ids.InvalidId):
        ids.trace_id(text)
    with pytest.raises(ids.InvalidId):
        ids.span_id(text)
