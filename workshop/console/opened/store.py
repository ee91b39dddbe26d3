"""The files that are open: read once, kept in memory only, bounded in all."""

import threading
from dataclasses import dataclass, field

from workshop.traces.model.trace import Trace
from workshop.traces.sources.files import Reading, read_bytes

LIMIT = 64 * 2**20  # bytes, of all that is open together, unpacked


class Full(Exception):
    """There is no room for the file."""


@dataclass
class OpenFile:
    """A file as it was read."""

    name: str
    reading: Reading

    @property
    def traces(self) -> list[Trace]:
        """Its traces, the first to start first."""
        return self.reading.traces


@dataclass
class OpenFiles:
    """The files that are open, by number; several threads may ask at once."""

    files: dict[int, OpenFile] = field(default_factory=dict)
    _last: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, data: bytes) -> int:
        """Reads a file and keeps it; returns its number. Raises UnknownFormat, and Full when there is no room."""
        # One file is read at a time: a page that sends twenty must not fill the memory with all of them.
        with self._lock:
            left = LIMIT - sum(file.reading.size for file in self.files.values())
            try:
                reading = read_bytes(data, name, LIMIT)
            except MemoryError:
                raise Full(f"{name} needs more memory than there is") from None
            if reading.size > left:
                raise Full(
                    f"{name} has {_mb(reading.size)}, and {_mb(left)} of {_mb(LIMIT)} are left: close a file first"
                )
            self._last += 1
            self.files[self._last] = OpenFile(name, reading)
            return self._last

    def close(self, number: int) -> None:
        """Forgets the file, if it is there."""
        with self._lock:
            self.files.pop(number, None)


def _mb(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
