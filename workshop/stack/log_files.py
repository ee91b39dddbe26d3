"""Reads and follows log files, line by line, whatever is in them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

# The end of a log that is looked through for its last lines, in bytes.
ENOUGH = 256 * 1024


def last_lines(path: Path, count: int) -> list[str]:
    """A file's last lines; one line that says so when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - ENOUGH))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ["(there is no log yet)"]
    return lines[-count:] if count else []


def readable(line: str) -> str:
    """A JSON log line as its level, message and the end of its traceback; any other line as it is."""
    try:
        entry = json.loads(line)
        told = f"{entry['level']} {entry['message']}"
    except (ValueError, TypeError, KeyError):
        return line
    trouble = str(entry.get("exc_info") or "").strip().splitlines()[-3:]
    return "\n".join([told, *(f"    {each.strip()}" for each in trouble)])


def follow(paths: dict[str, Path], count: int, seconds: float = 0.3) -> Iterator[tuple[str, str]]:
    """Each file's last lines, then new ones as they come, as (name, line); without end.

    A file that was rotated or emptied is read from its beginning.
    """
    offsets: dict[str, int] = {}
    for name, path in paths.items():
        offsets[name] = path.stat().st_size if path.exists() else 0
        if path.exists():
            yield from ((name, line) for line in last_lines(path, count))
    while True:
        for name, path in paths.items():
            size = path.stat().st_size if path.exists() else 0
            offset = offsets[name] if size >= offsets[name] else 0
            if size > offset:
                with path.open("rb") as file:
                    file.seek(offset)
                    text = file.read(size - offset)
                # A line that is still being written waits for its end.
                whole = text[: text.rfind(b"\n") + 1]
                offset += len(whole)
                yield from ((name, line) for line in whole.decode(errors="replace").splitlines())
            offsets[name] = offset
        time.sleep(seconds)
