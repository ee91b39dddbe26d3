"""How times, shares and names from a trace are written for a person."""

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.text import Text


def duration(ms: float) -> str:
    """A duration with its unit and about three digits: `0.42 ms`, `812 ms`, `1.23 s`, `2 min 5 s`."""
    if ms == 0:
        return "0 ms"
    if abs(ms) < 9.95:
        return f"{ms:.2f} ms" if abs(ms) < 0.995 else f"{ms:.1f} ms"
    if abs(ms) < 999.5:
        return f"{ms:.0f} ms"
    if abs(ms) < 59_995:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s"


def signed(ms: float) -> str:
    """A change, with its sign."""
    return ("+" if ms > 0 else "") + duration(ms)


def share(part: float) -> str:
    """A share of 1 in percent: `92%`, `<1%`."""
    percent = part * 100
    return "<1%" if 0 < percent < 1 else f"{percent:.0f}%"


def count(number: int, one: str, many: str = "") -> str:
    """`1 span`, `11 spans`, `12,345 spans`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@lru_cache(maxsize=8192)
def clean(text: str) -> str:
    """The text on one line, without characters that would steer a terminal: a trace may come from anyone."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("�" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") else char for char in text)


_PLAIN = str.maketrans({"…": "~", "×": "x", "→": ">"})


def plain(text: Text) -> Text:
    """The text for a terminal that knows ASCII only; what has no such form becomes `?`."""
    text.plain = text.plain.translate(_PLAIN).encode("ascii", "replace").decode()
    return text


def fit(text: str, width: int) -> str:
    """The text, cut with `…` or filled with blanks, to `width` terminal cells."""
    if cell_len(text) > width:
        return set_cell_size(text, max(width - 1, 0)) + "…"[:width]
    return set_cell_size(text, width)
