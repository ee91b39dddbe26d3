"""`spans status` and `spans logs`: what runs, where, how it is, and what it says."""

import contextlib
import subprocess
from typing import Any

from workshop.stack import database, docker, processes, runtime, supervisor
from workshop.stack.errors import StackError
from workshop.stack.logs import follow, last_lines
from workshop.stack.screen import out, say
from workshop.stack.services import BY_NAME, SERVICES, not_ready
from workshop.stack.settings import ROOT, Settings, current

LOCAL_COLUMNS = ["process", "state", "pid", "up for", "port", "ready"]
DOCKER_COLUMNS = ["container", "state", "up for", "port", "ready"]


def status() -> bool:
    """Print a table of the processes; True when all of them are ready."""
    settings = current()
    up = runtime.what_is_up(settings)
    if up is None:
        docker.tell_others(settings)
        left = len(processes.leftovers(settings.state))
        if left:
            say(f"supervisord has ended, and {left} processes of this checkout still run: make up or make down helps.")
            return False
        say("Nothing is up. make up starts the system.")
        return False
    rows = local_rows(settings) if up == "local" else docker_rows(settings)
    show([LOCAL_COLUMNS if up == "local" else DOCKER_COLUMNS, *rows])
    say("")
    say(f"{up} runtime; index: {index(settings)}")
    return all(row[-1] in ("yes", "done") for row in rows)


def show(rows: list[list[str]]) -> None:
    """Print rows under one another, whatever the width of the terminal; the first is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        style = "bold" if number == 0 else "red" if row[-1].startswith("no") else None
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), style)


def local_rows(settings: Settings) -> list[list[str]]:
    """A row for each process of the local runtime."""
    now = supervisor.states(settings)
    rows = []
    for service in SERVICES:
        info: dict[str, Any] = now.get(service.name, {"statename": "MISSING", "pid": 0, "start": 0, "now": 0})
        running = info["statename"] == "RUNNING"
        if service.name == "postgres":
            reason = database.not_ready(settings)
        else:
            reason = not_ready(service, settings) if running else "not running"
        rows.append(
            [
                service.name,
                info["statename"].lower(),
                str(info["pid"] or ""),
                duration(info["now"] - info["start"]) if running else "",
                str(service.port_in(settings) or ""),
                "yes" if reason is None else f"no: {reason}",
            ]
        )
    return rows


def docker_rows(settings: Settings) -> list[list[str]]:
    """A row for each container that should be there; `prepare` is meant to have ended."""
    there = {one["Service"]: one for one in docker.containers(settings)}
    rows = []
    for name in docker.services(settings):
        one = there.get(name)
        if one is None:
            rows.append([name, "missing", "", "", "no: make up makes it"])
            continue
        ports = sorted({str(p["PublishedPort"]) for p in one.get("Publishers") or () if p.get("PublishedPort")})
        done = one["State"] == "exited"
        ready = ("done" if done else "yes") if docker.well(one) else f"no: {one.get('Health') or one['State']}"
        rows.append([name, one["State"], docker.up_for(one), " ".join(ports), ready])
    return rows


def index(settings: Settings) -> str:
    """The index's state in words."""
    try:
        with database.inventory(settings) as connection:
            state = database.index_state(connection)
    except StackError as error:
        return f"unknown, {error}"
    hint = {"there": "make break drops it", "missing": "make fix creates it"}.get(state, "make fix makes it whole")
    return f"{database.INDEX} is {state} ({hint})"


def duration(seconds: float) -> str:
    """`3 min`, as a person would say it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def logs(service: str, lines: int, following: bool) -> None:
    """Print the last lines of one service's log, or of all; then the new ones until Ctrl-C."""
    settings = current()
    up = runtime.what_is_up(settings)
    known = docker.services(settings) if up == "docker" else list(BY_NAME)
    if service and service not in known:
        raise StackError(
            f"{service!r} is neither a process ({', '.join(known)}) nor a trace id, which has 16 or 32 hex digits"
        )
    if up == "docker":
        arguments = [
            "logs",
            "--tail",
            str(lines),
            *(["--follow"] if following else []),
            *([service] if service else []),
        ]
        command = docker.compose(settings, *arguments)
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(command, cwd=ROOT, env=docker.environment(settings), stdin=subprocess.DEVNULL, check=False)
        return
    names = [service] if service else list(BY_NAME)
    paths = {name: settings.logs / f"{name}.log" for name in names}
    if not any(path.exists() for path in paths.values()):
        raise StackError(f"there are no logs in {settings.logs} yet: make up starts the system")
    with contextlib.suppress(KeyboardInterrupt):
        if following and up:
            for name, line in follow(paths, lines):
                print_line(name, line, alone=bool(service))
        else:
            for name, path in paths.items():
                for line in last_lines(path, lines):
                    print_line(name, line, alone=bool(service))


def print_line(name: str, line: str, alone: bool) -> None:
    """A log's line, with its process's name before it when several are shown."""
    if not alone:
        out.print(f"{name:13}", style="cyan", end=" ")
    say(line)
