"""Ids as a file spells them: normalised, so that one id has one spelling, and made up where a span has none."""

from typing import Any

from workshop.traces.sources import ids
from workshop.traces.sources.formats.odd import Notes

NO_TRACE = "no-trace-id"


class SameSpelling(Exception):
    """Two ids of a file would become one: it has to be read again with its ids letter by letter."""


class Ids:
    """Reads the ids of one file."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self._spelled: dict[tuple[str, str], str] = {}
        self._made_up = 0

    def trace(self, value: Any, field: str) -> str:
        """A trace's id; spans without one are a trace of their own."""
        text = self._text(value)
        if text:
            return text.strip() if self.notes.literal_ids else ids.trace_id_in_file(text)
        self.notes.expected(field, value, "an id", "read as spans of one trace without an id")
        return NO_TRACE

    def own(self, value: Any, field: str, trace_id: str) -> str:
        """A span's own id; raises SameSpelling when another span's differs from it in spelling only."""
        text = self._text(value)
        if not text:
            self._made_up += 1
            self.notes.expected(field, value, "an id", "the span is read, and nothing can be below it")
            return f"no-id-{self._made_up}"
        if self.notes.literal_ids:
            return text.strip()
        normal = ids.span_id_in_file(text)
        # Nearly all ids are spelled as they should be; the others are few enough to be remembered.
        if normal != text or len(self._spelled) < 1000:
            before = self._spelled.setdefault((trace_id, normal), text)
            if before != text:
                raise SameSpelling
        return normal

    def other(self, value: Any) -> str | None:
        """The id of a parent or of a link's span; None where there is none."""
        text = self._text(value)
        if not text or ids.is_nothing(text):
            return None
        return text.strip() if self.notes.literal_ids else ids.span_id_in_file(text)

    @staticmethod
    def _text(value: Any) -> str:
        if value.__class__ is str:
            return value if value.strip() else ""
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
