"""What is odd in a file: told once, with a count, and read as well as can be. What cannot be read is UnknownFormat."""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from workshop.traces.model.naming import NO_NAME

LATEST = 2**63  # nanoseconds: the year 2262, what OTLP's own 64 bits hold and more than any clock shows
KINDS_TOLD = 20
DIGITS = 40  # of a number: more are nothing that was measured, and too many to calculate with


class UnknownFormat(ValueError):
    """The file or document holds no trace in a form known here; the message is one sentence."""


_CONTROLS = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """The text without what would steer a terminal: control characters become �, line breaks and tabs stay."""
    return text if text.isprintable() else _CONTROLS.sub("\ufffd", text)


def one_line(text: str) -> str:
    """A sentence with others' words in it, as one line."""
    return " ".join(printable(text).split())


def shown(value: Any) -> str:
    """What was found, in a few characters: `null`, `17`, `"abc"`, `a list`, `an object`."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except ValueError:  # a whole number of thousands of digits
        return "a huge number"
    return text if len(text) <= 40 else f"{text[:36]}…{text[-1] if isinstance(value, str) else ''}"


class Notes:
    """Collects what was odd. `place` is where the reading is (`line 7`), for the first of each kind; `size` the
    bytes unpacked so far.

    `literal_ids` is set for a file in which two ids differ in their spelling only: they are taken letter by letter.
    """

    def __init__(self, *, literal_ids: bool = False) -> None:
        self.place = ""
        self.size = 0
        self.literal_ids = literal_ids
        self._odd: dict[tuple[str, str], list[Any]] = {}

    def add(self, what: str, done: str, found: str = "") -> None:
        """Notes that `what` is so, and what was `done` about it; `found` is an example."""
        entry = self._odd.setdefault((what, done), [0, self.place, found])
        entry[0] += 1

    def expected(self, field: str, found: Any, expected: str, done: str) -> None:
        """Notes that a field holds something else than expected."""
        kind = "nothing" if found is None else shown(found)
        self.add(f"{field} where {expected} was expected", done, kind)

    def lines(self) -> list[str]:
        """One sentence for each kind of oddity, in the order of appearance."""
        told = []
        for (what, done), (count, place, found) in list(self._odd.items())[:KINDS_TOLD]:
            where = f" in {place}" if place else ""
            times = f"{count} times, first{where}" if count > 1 else where.removeprefix(" ")
            head = f"{what}: found {found}" if found else what
            told.append(f"{head} ({times}): {done}" if times else f"{head}: {done}")
        if len(self._odd) > KINDS_TOLD:
            told.append(f"and {len(self._odd) - KINDS_TOLD} more kinds of oddities")
        return told

    # --- values, each as what it should be -------------------------------------------------------------------------

    def objects(self, value: Any, field: str) -> Iterator[dict[str, Any]]:
        """The objects of a list; what is none is left out and noted."""
        if value is None:
            return
        if isinstance(value, dict):
            self.expected(field, value, "a list", "read as a list of one")
            value = [value]
        if not isinstance(value, list):
            self.expected(field, value, "a list", "left out")
            return
        for each in value:
            if isinstance(each, dict):
                yield each
            else:
                self.expected(f"an element of {field}", each, "an object", "left out")

    def object(self, value: Any, field: str) -> dict[str, Any]:
        """The object, or an empty one."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self.expected(field, value, "an object", "left out")
        return {}

    def text(self, value: Any, field: str, default: str = "") -> str:
        """The text; a number as its digits; else the default."""
        if isinstance(value, str):
            return value
        if value is None or isinstance(value, list | dict):
            if value is not None:
                self.expected(field, value, "text", f"read as {default or 'empty'}")
            return default
        self.expected(field, value, "text", "read as text")
        return shown(value)

    def name(self, value: Any, field: str) -> str:
        """A span's name: never empty."""
        if value is None or value == "":
            self.add(f"{field} is {'null or not there' if value is None else 'empty'}", f"read as {NO_NAME}")
            return NO_NAME
        return self.text(value, field, NO_NAME)

    def nanoseconds(self, value: Any, field: str, unit: int = 1) -> int | None:
        """A time or length in ns, from a number in units of `unit` ns, its digits, or a date; None for none."""
        if value.__class__ is int and 0 <= value * unit < LATEST:
            return int(value) * unit
        found = number(value)
        if found is None and isinstance(value, str):
            found = _date(value)
            unit = 1 if found is not None else unit
        if found is not None and 0 <= found * unit < LATEST:
            if not isinstance(value, int) and not (isinstance(value, str) and unit == 1):
                self.expected(field, value, "a whole number", "read as one")
            return int(found * unit)
        if value is not None and value != "":
            self.expected(field, value, "a time" if unit == 1 else "a whole number", "left out")
        return None


def number(value: Any) -> int | float | None:
    """A number, or the number that a text spells; None for anything else, NaN and infinity too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**DIGITS else None
    if isinstance(value, str) and len(value) > DIGITS:
        return None
    try:
        found = int(value) if isinstance(value, str) and value.strip().lstrip("-").isdecimal() else float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _date(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return round(moment.timestamp() * 1_000_000) * 1000 if moment.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None


def plain(value: Any, depth: int = 0) -> Any:
    """A value for an attribute: nothing that JSON cannot say, nothing nested without end."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | dict) and depth > 20:
        return "…"
    if isinstance(value, list):
        return [plain(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each, depth + 1) for key, each in value.items()}
    return value


def says_error(value: Any) -> str | None:
    """What an `error` tag says: None for no error, '' for one without words, else the words (Zipkin's convention)."""
    if value is None or value is False:
        return None
    text = str(value).strip()
    if text.lower() in ("", "false", "0", "no", "none", "null", "ok"):
        return None
    return "" if value is True or text.lower() in ("true", "1", "yes", "error") else text
