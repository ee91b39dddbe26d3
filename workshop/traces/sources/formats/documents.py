"""From a file's bytes to JSON documents: one, one a line, or one after another."""

import json
import re
from collections.abc import Iterator
from typing import Any

from workshop.traces.sources.formats.odd import DIGITS, Notes, UnknownFormat
from workshop.traces.sources.formats.unpacking import LIMIT, text, too_large, unpacked

_BINARY = re.compile(r"[\0-\x08\x0e-\x1f\ufffd]")
_SPACE = re.compile(r"\s*")
# What JSON's escapes can say and no text should hold: half a surrogate pair, and what steers a terminal.
_ESCAPES = re.compile(
    r"\\\\"  # an escaped backslash: what follows it is no escape
    r"|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"  # a whole pair
    r"|(\\u[dD][89a-fA-F][\da-fA-F]{2}|\\u00(?:0[0-8bcefBCEF]|1[\da-fA-F]|7[fF]|[89][\da-fA-F])|[\x7f-\x9f])"
)


def documents(data: bytes, notes: Notes, limit: int = LIMIT) -> Iterator[Any]:
    """The documents in a file's bytes, packed or not. `notes.place` is where the one just given begins.

    Raises UnknownFormat, in one sentence, where there is none to be had.
    """
    data = unpacked(data, notes, limit)
    notes.size += len(data)
    if not data.strip(b"\0 \t\r\n"):
        raise UnknownFormat("it is empty" if not data else "it holds nothing but blanks")
    if data.lstrip()[:1] not in b"{[":
        # Its library takes 3.5 MB: only whoever has such a file pays for it.
        from workshop.traces.sources.formats import protobuf

        messages = protobuf.messages(data, notes)
        if messages is not None:
            yield from _of_messages(messages, notes, limit)
            return
        found = protobuf.document(data)
        if found is not None:
            yield found
            return
    written = text(data, notes)
    if _BINARY.search(written[:200]) and written.lstrip()[:1] not in ("{", "["):
        raise UnknownFormat("it is neither JSON nor OTLP's protobuf: it is not even text")
    yield from _of_text(_ESCAPES.sub(_whole, written), notes)


def _of_messages(messages: Iterator[bytes], notes: Notes, limit: int) -> Iterator[Any]:
    """Each message is protobuf or JSON, and packed for itself where the exporter packs."""
    from workshop.traces.sources.formats import protobuf

    for message in messages:
        raw = unpacked(message, notes, limit)
        notes.size += len(raw) - len(message)
        if notes.size > limit:
            raise UnknownFormat(too_large(limit))
        if raw.lstrip()[:1] in (b"{", b"["):
            yield from _of_text(text(raw, notes), notes)
            continue
        found = protobuf.document(raw)
        if found is None:
            notes.add("a message holds no spans in OTLP's form", "skipped")
        else:
            yield found


def _whole(match: re.Match[str]) -> str:
    return "\\ufffd" if match[1] else match[0]


def _parse(written: str) -> Any:
    # What nothing can calculate with stays text: NaN, Infinity, and whole numbers of very many digits.
    return json.loads(written, parse_constant=str, parse_int=_whole_number)


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= DIGITS else digits


_DECODER = json.JSONDecoder(parse_constant=str, parse_int=_whole_number)


def _of_text(written: str, notes: Notes) -> Iterator[Any]:
    place = notes.place
    try:
        document = _parse(written)
    except RecursionError:
        raise UnknownFormat("it is nested too deeply for a trace") from None
    except json.JSONDecodeError as error:
        first, _, rest = written.lstrip().partition("\n")
        if rest.strip() and _is_document(first):
            yield from _of_lines(written, notes)
        else:
            yield from _one_after_another(written, notes, error)
        return
    notes.place = place
    yield document


def _is_document(line: str) -> bool:
    try:
        return isinstance(_parse(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _of_lines(written: str, notes: Notes) -> Iterator[Any]:
    lines = written.split("\n")
    last = max(number for number, line in enumerate(lines, 1) if line.strip())
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        notes.place = f"line {number}"
        try:
            document = _parse(line)
        except RecursionError:
            notes.add("a line is nested too deeply", "skipped")
        except json.JSONDecodeError as error:
            if number == last and not written.endswith("\n"):
                notes.add("the last line is half written", "the rest is read")
            else:
                notes.add("a line is not JSON", "skipped", _where(error, line=False))
        else:
            yield document


def _one_after_another(written: str, notes: Notes, error: json.JSONDecodeError) -> Iterator[Any]:
    """Documents over several lines each, one after another, as `cat a.json b.json` makes them."""
    position, number = 0, 0
    while True:
        blank = _SPACE.match(written, position)
        position = blank.end() if blank else position
        if position >= len(written):
            return
        notes.place = f"line {written.count(chr(10), 0, position) + 1}"
        try:
            document, position = _DECODER.raw_decode(written, position)
        except RecursionError:
            raise UnknownFormat(f"what begins in {notes.place} is nested too deeply for a trace") from None
        except json.JSONDecodeError as found:
            if not number:
                raise UnknownFormat(f"it is not JSON: {_where(error)}") from None
            notes.add("what follows is not JSON", "what comes before is read", _where(found))
            return
        if not isinstance(document, dict | list):
            raise UnknownFormat(f"it is not JSON: {_where(error)}")
        number += 1
        yield document


def _where(error: json.JSONDecodeError, *, line: bool = True) -> str:
    """Where the JSON is broken, what is there and what should be."""
    found = error.doc[error.pos : error.pos + 12].split("\n")[0].strip()
    what = f"{found!r}" if found else "the end" if error.pos >= len(error.doc.rstrip()) else "a line's end"
    place = f"line {error.lineno}, " if line else ""
    wanted = {"Expecting value": "a value", "Extra data": "nothing more", "Expecting ',' delimiter": "a comma"}
    message = error.msg.split(" starting at")[0]
    if message == "Unterminated string":
        return f"{place}column {error.colno} begins a text ({what}) that never ends; is it whole?"
    expected = wanted.get(message) or message.removeprefix("Expecting ").lower()
    return f"{place}column {error.colno} has {what} where {expected} was expected" + (
        "; is it whole?" if what == "the end" else ""
    )
