"""Packed files, encodings, and files that were cut short."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from backports import zstd

from tests.unit.traces.sources.formats.same_trace import TRACE, dumped, message, otlp
from workshop.traces.sources.files import UnknownFormat, read_bytes

TEXT = json.dumps(otlp() | {"note": "größer €"}, ensure_ascii=False)


def _without_size(data: bytes) -> bytes:
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.content_size_flag: 0})
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "gzip in two members": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "gzip of gzip": lambda data: gzip.compress(gzip.compress(data)),
    "zstd": zstd.compress,
    "zstd in two frames": lambda data: zstd.compress(data[:99]) + zstd.compress(data[99:]),
    "zstd without its size": _without_size,
}


@pytest.mark.parametrize("packer", PACKERS)
def test_packed_files(packer: str) -> None:
    """JSON and protobuf, whatever the file is called."""
    for data in (TEXT.encode(), message().SerializeToString()):
        reading = read_bytes(PACKERS[packer](data), "file")
        assert reading.traces[0].trace_id == TRACE and not reading.notes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(encoding: str) -> None:
    """With a mark in front or without."""
    for text in (TEXT, f"{json.dumps(otlp())}\n{TEXT}\n"):
        reading = read_bytes(text.encode(encoding), "file")
        assert reading.traces[0].trace_id == TRACE and not reading.notes


def test_bytes_that_are_no_text() -> None:
    """A name in Latin 1 costs one character, not the file."""
    reading = read_bytes(TEXT.replace("SELECT a", "SELECT größe").encode("latin-1", "replace"), "file")
    assert reading.traces[0].spans[1].name == "SELECT gr��e".replace("��", "��", 1)
    assert "a byte is not UTF-8: found 0xf6" in reading.notes[0] and len(reading.notes) == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_packed_file_cut_short(pack: Callable[[bytes], bytes]) -> None:
    """What can be unpacked is read, and told."""
    line = dumped(otlp()) + b"\n"
    lines = b"".join(line.replace(b"GET /x", str(i).encode() * 50) for i in range(2000))
    data = pack(lines)
    reading = read_bytes(data[: len(data) * 9 // 10], "file")
    assert reading.traces and len(reading.notes) == 2
    assert "ends early" in reading.notes[0] and "half written" in reading.notes[1]


@pytest.mark.parametrize("kind", ["gzip", "zstd", "frames"])
def test_a_bomb_is_refused_before_it_fills_the_memory(kind: str) -> None:
    """A few hundred kB that unpack to 400 MB: refused with the limit, holding about the limit at most."""
    packer = zlib.compressobj(wbits=31) if kind == "gzip" else zstd.ZstdCompressor()
    packed = b"".join([packer.compress(bytes(2**20)) for _ in range(400)] + [packer.flush()])
    assert len(packed) < 2**20
    if kind == "frames":
        packed = len(packed).to_bytes(4, "big") + packed
    tracemalloc.start()
    try:
        with pytest.raises(UnknownFormat, match="more than 16 MB once unpacked"):
            read_bytes(packed, "bomb", limit=16 * 2**20)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "file: it is empty"),
        (b" \n\n", "file: it holds nothing but blanks"),
        (b"\x1f\x8b\x08\x00broken gzip data", "file: it begins like gzip and cannot be unpacked"),
        (b"\x28\xb5\x2f\xfdbroken", "file: it begins like zstd and "),
        (b"\x00\xff\x00\x00\x12", "it is not even text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file: it is neither JSON"),
        (b"hello", "file: it is not JSON: line 1, column 1 has 'hello' where a value was expected"),
        (b'{"resourceSpans": [\n {"a": 1', "line 2, column 9 has the end where a comma was expected; is it whole?"),
        (b'{"a": 1}\n{"b": ', "found a"),
        (b"[" * 100_000, "file: it is nested too deeply for a trace"),
        (b'{"a":' * 100_000, "file: it is nested too deeply for a trace"),
        (b"17", "file: it holds 17 where an object was expected"),
        (b"1" * 10_000, "where an object was expected"),
        (b"[]", "file: no spans in it"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(data: bytes, said: str) -> None:
    """The file, the place, what was found and what was expected."""
    with pytest.raises(UnknownFormat) as error:
        read_bytes(data, "file")
    assert said in str(error.value) and "\n" not in str(error.value)
