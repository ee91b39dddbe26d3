"""A database statement's text: on one line, without its values, and in as few words as tell it from others."""

import re
from functools import lru_cache

STATEMENT_SHOWN = 60  # characters of a statement that stand for it where it has no summary


_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)


_LITERAL = re.compile(
    r"'(?:[^']|'')*'|\$\d+|%\(\w+\)s|%s|(?<![:\w]):\w+|@\w+|\?|\b0x[0-9a-f]+\b|(?<![\w.])-?\d+(?:\.\d+)?\b"
)


_LIST = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)")


_ROWS = re.compile(r"(\(\?\))(?:\s*,\s*\(\?\))+")


# Of commands with as many values as somebody bought things: MGET ? ? ?, and SET ? ? again and again in a pipeline.
_VALUES = re.compile(r"\?(?: \?)+")
_AGAIN = re.compile(r"(\b[a-z]+ \?)(?: \1)+")


_SPACE = re.compile(r"\s+")


@lru_cache(maxsize=4096)
def tidy(text: str) -> str:
    """The statement on one line, without its comments."""
    return _SPACE.sub(" ", _COMMENT.sub(" ", text)).strip()


@lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    """The statement with every value as `?`, so that two runs with different values are equal."""
    text = _LITERAL.sub("?", tidy(text[:20_000]))
    text = _VALUES.sub("?", _ROWS.sub(r"\1", _LIST.sub("(?)", text))).lower()
    return _AGAIN.sub(r"\1", text)


def head(text: str, length: int = STATEMENT_SHOWN) -> str:
    """The beginning of a statement, on one line."""
    line = tidy(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


_TABLE = re.compile(r'(?i)\b(?:from|into|join|update|table)\s+(?:only\s+)?((?!select\b|set\b)[\w."`\[\]$]+)')


@lru_cache(maxsize=4096)
def summary(text: str) -> str:
    """The statement's verb and tables, as OpenTelemetry defines a query summary: `SELECT stock_movement`."""
    line = tidy(text[:20_000])
    verb = line.split(" ", 1)[0].upper()
    lock = " FOR UPDATE" if re.search(r"(?i)\bfor (?:no key )?update\b", line) else ""
    return " ".join([verb, *tables(text)[:3]]) + lock


@lru_cache(maxsize=4096)
def tables(text: str) -> tuple[str, ...]:
    """The tables that the statement names, in its order."""
    return tuple(dict.fromkeys(name.strip('"`[]') for name in _TABLE.findall(tidy(text[:20_000]))))


_LOCKING = re.compile(
    r"\bfor (?:no key )?update\b|\bfor (?:key )?share\b|\block in share mode\b"
    r"|\bpg_advisory_(?:xact_)?lock|\bget_lock\s*\(|\bsp_getapplock\b"
)


@lru_cache(maxsize=4096)
def locks(text: str) -> bool:
    """Whether the statement takes a lock, of rows or by a name, and so may have waited for another transaction."""
    start = normalised(text)
    return bool(_LOCKING.search(start)) or start.startswith(("update", "delete", "lock", "merge"))


def locking_read(text: str) -> bool:
    """Whether the statement only reads, and locks what it reads: but for the lock it takes as long as a plain read."""
    return locks(text) and normalised(text).startswith("select")
