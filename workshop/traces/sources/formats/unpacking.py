"""Unpacks gzip and zstd, never beyond a limit, and tells the encodings of text apart."""

import codecs
import sys
import zlib
from collections.abc import Callable
from typing import Any

from workshop.traces.sources.formats.odd import Notes, UnknownFormat

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
LIMIT = 512 * 2**20  # bytes, unpacked: far above 100,000 spans, far below a machine's memory
NESTED = 3  # a .json.gz that a download packed once more
WINDOW_LOG = 27  # a zstd stream may ask for 128 MB of memory, as much as its own command line's default

_BOMS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]


def unpacked(data: bytes, notes: Notes, limit: int = LIMIT) -> bytes:
    """The bytes behind gzip and zstd. A stream that ends early gives what there is, and a note.

    Raises UnknownFormat beyond `limit` bytes (however small the packed file is), or when nothing can be unpacked.
    """
    for _ in range(NESTED):
        if data.startswith(GZIP):
            data = _expanded(data, "gzip", notes, limit)
        elif data.startswith(ZSTD):
            data = _expanded(data, "zstd", notes, limit)
        else:
            break
    if len(data) > limit:
        raise UnknownFormat(too_large(limit))
    return data


def too_large(limit: int) -> str:
    """The sentence about a file beyond the limit."""
    return f"it holds more than {limit // 2**20} MB once unpacked: cut it into smaller files"


def _expanded(data: bytes, form: str, notes: Notes, limit: int) -> bytes:
    """All members of a gzip file, all frames of a zstd file, one after another; never more than `limit` bytes."""
    begin, member, broken = _gzip() if form == "gzip" else _zstd()
    parts: list[bytes] = []
    size = 0
    while data.startswith(begin):
        unpacker = member()
        try:
            part = unpacker.decompress(data, limit - size + 1)
        except broken as error:
            if not size:
                raise UnknownFormat(f"it begins like {form} and cannot be unpacked: {_words(error)}") from None
            notes.add(f"the {form} data is damaged", "only what comes before is read")
            break
        parts.append(part)
        size += len(part)
        if size > limit:
            raise UnknownFormat(too_large(limit))
        if not unpacker.eof:
            notes.add(f"the {form} data ends early", "read as far as it goes")
            break
        data = unpacker.unused_data
    return b"".join(parts)


def _gzip() -> tuple[bytes, Callable[[], Any], type[Exception]]:
    return GZIP, lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), zlib.error


def _zstd() -> tuple[bytes, Callable[[], Any], type[Exception]]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd  # few files need it, and every command would load it
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_LOG}
    return ZSTD, lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError


def _words(error: Exception) -> str:
    return str(error).rsplit(": ", maxsplit=1)[-1]


def text(data: bytes, notes: Notes) -> str:
    """The text, whichever Unicode encoding it is in; bytes that are none become �, with a note."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data.removeprefix(mark), encoding, notes)
    # JSON begins with an ASCII character: zeros beside it tell UTF-16 and UTF-32 without a mark.
    start = data[:4]
    if start[:2].count(0) == 1:
        return _decoded(data, "utf-16-be" if start[0] == 0 else "utf-16-le", notes)
    return _decoded(data, "utf-8", notes)


def _decoded(data: bytes, encoding: str, notes: Notes) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        notes.add(f"a byte is not {encoding.upper()}", "read as �", f"0x{data[error.start]:02x} at byte {error.start}")
        return data.decode(encoding, errors="replace")
