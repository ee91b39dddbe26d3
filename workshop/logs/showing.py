"""`spans logs`: what the processes write, in order of time and readable, or as they wrote it."""

import contextlib
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime

from workshop.logs.log_lines import parse
from workshop.stack import runtime
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.log_files import follow, last_lines, readable
from workshop.stack.screen import out, say
from workshop.stack.services import BY_NAME
from workshop.stack.settings import ROOT, Settings, current

# `order-1  | {…}`, as Compose prints it.
PREFIX = re.compile(r"^(?P<name>[\w-]+?)-\d+ +\| ?(?P<line>.*)$")
STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


def show(service: str, lines: int, *, following: bool, as_json: bool) -> None:
    """Print the last lines of one service's log, or of all; then the new ones until Ctrl-C."""
    settings = current()
    up = runtime.what_is_up(settings)
    known = docker.services(settings) if up == "docker" else list(BY_NAME)
    if service and service not in known:
        raise StackError(
            f"{service!r} is neither a process ({', '.join(known)}) nor a trace id, which has 16 or 32 hex digits"
        )
    with contextlib.suppress(KeyboardInterrupt):
        if up == "docker":
            from_docker(settings, service, lines, following=following, as_json=as_json)
            return
        names = [service] if service else list(BY_NAME)
        paths = {name: settings.logs / f"{name}.log" for name in names}
        if not any(path.exists() for path in paths.values()):
            raise StackError(f"there are no logs in {settings.logs} yet: make up starts the system")
        print_in_order(((name, line) for name in names for line in last_lines(paths[name], lines)), as_json=as_json)
        if following and up:
            for name, line in follow(paths, 0):
                print_line(name, line, as_json=as_json)


def from_docker(settings: Settings, service: str, lines: int, *, following: bool, as_json: bool) -> None:
    """The same from the containers, whose names Compose puts before each line."""
    last = ["logs", "--no-color", "--tail", str(lines)]
    names = [service] if service else []
    environment = docker.environment(settings)
    done = subprocess.run(
        docker.compose(settings, *last, *names),
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        errors="replace",
        check=False,
    )
    print_in_order(map(named, done.stdout.splitlines()), as_json=as_json)
    if not following:
        return
    command = docker.compose(settings, *last[:2], "--tail", "0", "--follow", *names)
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print_line(*named(line.rstrip("\n")), as_json=as_json)


def named(line: str) -> tuple[str, str]:
    """Compose's line as the process's name and what it wrote."""
    match = PREFIX.match(line)
    return (match["name"], match["line"]) if match else ("", line)


def print_in_order(lines: Iterable[tuple[str, str]], *, as_json: bool) -> None:
    """Print the lines of several logs by their times; one without a time goes with the one before it."""
    timed: list[tuple[int, int, str, str]] = []
    latest: dict[str, int] = {}
    for number, (name, line) in enumerate(lines):
        told = parse(line)
        latest[name] = told.time if told else latest.get(name, 0)
        timed.append((latest[name], number, name, line))
    for _, _, name, line in sorted(timed):
        print_line(name, line, as_json=as_json)


def print_line(name: str, line: str, *, as_json: bool) -> None:
    """A log's line as time, process, level and message; anything but our JSON, and all of it `as_json`, as it is."""
    told = parse(line)
    if as_json:
        say(line)
        return
    out.print(f"{name:13}", style="cyan", end=" ")
    if told is None:
        say(line)
        return
    clock = datetime.fromtimestamp(told.time / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
    out.print(clock, style="dim", end=" ")
    say(readable(line), STYLES.get(told.level))
