"""Reads and follows the processes' logs."""

import json
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from workshop.stack import docker, runtime
from workshop.stack.errors import StackError
from workshop.stack.log_lines import LogLine, parse
from workshop.stack.services import BY_NAME
from workshop.stack.settings import ROOT, Settings, current

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


def is_trace_id(text: str) -> bool:
    """Whether an argument is meant as a trace's id: so many hex digits, or a traceparent, as no process is called."""
    return re.fullmatch(r"[0-9a-fA-F]{16,32}|[0-9a-fA-F]{2}(-[0-9a-fA-F]+){3}", text) is not None


def lines_of_trace(trace_id: str, since: float | None = None) -> list[LogLine]:
    """Every service's lines of the trace, oldest first, from either runtime; `since` in Unix seconds saves time.

    `trace_id` has 32 lower-case hex digits. StackError when the logs cannot be read.
    """
    found = lines_between(current(), [], since=since, having=trace_id)
    return [line for line in found if line.trace_id == trace_id]


def lines_between(
    settings: Settings,
    services: Sequence[str],
    since: float | None = None,
    until: float | None = None,
    having: str = "",
) -> list[LogLine]:
    """The services' log lines between two times (Unix seconds), oldest first; no services: all of them.

    Only lines in which the text `having` stands are looked at. StackError when the logs cannot be read.
    """
    up = runtime.what_is_up(settings)
    raw = _docker_lines(settings, services, since) if up == "docker" else _file_lines(settings, services or [*BY_NAME])
    parsed = (parse(line) for line in raw if having in line)
    first, last = (since or 0) * 1e9, (until or 1e10) * 1e9
    return sorted((line for line in parsed if line and first <= line.time <= last), key=lambda line: line.time)


def _file_lines(settings: Settings, services: Sequence[str]) -> Iterator[str]:
    """The lines of the local runtime's logs, of each service the rotated file's first."""
    for name in services:
        for path in sorted(settings.logs.glob(f"{name}.log*"), key=lambda path: len(path.name), reverse=True):
            with path.open(errors="replace") as file:
                yield from file


def _docker_lines(settings: Settings, services: Sequence[str], since: float | None) -> Iterator[str]:
    """The lines of the containers' logs."""
    start = ["--since", datetime.fromtimestamp(since, UTC).isoformat()] if since else []
    command = docker.compose(settings, "logs", "--no-color", "--no-log-prefix", *start, *services)
    environment = docker.environment(settings)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, errors="replace", check=False
    )
    if done.returncode:
        raise StackError(f"`{' '.join(command)}` failed: {done.stderr.strip()[-300:]}")
    yield from done.stdout.splitlines()
