"""Trace and span ids as people paste them: upper or lower case, 64 or 128 bits, with or without leading zeros."""

import base64
import re
from functools import lru_cache

_HEX = re.compile(r"[0-9a-fA-F]+")


_PLAIN = re.compile(r"[0-9a-f]+")
_NO_BYTES = re.compile(r"A{11}=?|A{22}(==)?")


class InvalidId(ValueError):
    """The text is not a trace id or span id."""


@lru_cache(maxsize=4096)
def trace_id(text: str) -> str:
    """Returns the id as 32 lower-case hex digits.

    Takes 1 to 32 hex digits (Jaeger drops leading zeros and pads 64-bit ids), a whole `traceparent`,
    and the base64 that protobuf's own JSON mapping writes. Raises InvalidId for anything else.
    """
    text = text.strip()
    if re.fullmatch(r"[0-9a-fA-F]{2}-[0-9a-fA-F]{32}-[0-9a-fA-F]{16}-[0-9a-fA-F]{2}.*", text):
        text = text.split("-")[1]
    return _hex(text, 32, "trace id")


def span_id(text: str) -> str:
    """Returns the id as 16 lower-case hex digits; raises InvalidId."""
    return _hex(text, 16, "span id")


@lru_cache(maxsize=4096)
def trace_id_in_file(text: str) -> str:
    """The id as a file has it, any text that tells traces apart; hex and base64 become what trace_id() returns."""
    try:
        return trace_id(text)
    except InvalidId:
        return _any(text)


@lru_cache(maxsize=4096)
def span_id_in_file(text: str) -> str:
    """The id as a file has it, any text; hex and base64 become 16 hex digits."""
    try:
        return span_id(text.strip())
    except InvalidId:
        return _any(text)


def is_nothing(text: str) -> bool:
    """Whether an id says that there is none: empty, zeros, and zeros in base64."""
    return not text.strip("0 ") or bool(_NO_BYTES.fullmatch(text.strip()))


def _any(text: str) -> str:
    text = text.strip()
    return text.lower() if _HEX.fullmatch(text) else text


def _hex(text: str, digits: int, what: str) -> str:
    if len(text) == digits and _PLAIN.fullmatch(text):
        return text
    if len(text) <= digits and _HEX.fullmatch(text):
        return text.lower().zfill(digits)
    if text.endswith("="):
        try:
            raw = base64.b64decode(text, validate=True)
        except ValueError:
            raw = b""
        if len(raw) * 2 == digits:
            return raw.hex()
    raise InvalidId(f"{text!r} is not a {what}: expected up to {digits} hex digits")
