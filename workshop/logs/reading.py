"""The services' log lines between two times or of one trace, from either runtime."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from workshop.logs.log_lines import LogLine, parse
from workshop.stack import runtime
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.services import BY_NAME
from workshop.stack.settings import ROOT, Settings, current


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
    parsed = (parse(line) for line in raw_lines(settings, services, since) if having in line)
    first, last = (since or 0) * 1e9, (until or 1e10) * 1e9
    return sorted((line for line in parsed if line and first <= line.time <= last), key=lambda line: line.time)


def raw_lines(settings: Settings, services: Sequence[str], since: float | None = None) -> Iterator[str]:
    """The services' log lines as they are, older ones too; `since` (Unix s) saves time. StackError when unreadable."""
    if runtime.what_is_up(settings) == "docker":
        return _docker_lines(settings, services, since)
    return _file_lines(settings, services or [*BY_NAME])


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
