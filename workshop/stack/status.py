"""`spans status`: what runs, where, and how it is."""

from collections.abc import Callable, Mapping
from typing import Any

from workshop.stack import database, runtime
from workshop.stack.docker import system as docker
from workshop.stack.local import endings, processes, supervisor, valkey
from workshop.stack.local import system as local
from workshop.stack.screen import say
from workshop.stack.services import SERVICES, here, not_ready
from workshop.stack.settings import Settings, current

LOCAL_COLUMNS = ["process", "state", "pid", "up for", "port", "ready"]
DOCKER_COLUMNS = ["container", "state", "up for", "port", "ready"]


def status(more: Mapping[str, Callable[[Settings], str]]) -> bool:
    """Print a table of the processes, and what `more` says of each of its words; True when all processes are ready."""
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
    say("; ".join([f"{up} runtime", *(f"{word}: {told(settings)}" for word, told in more.items())]))
    if up == "docker":
        docker.tell_why(settings, lines=3)
    elif told := endings.killed(settings, supervisor.answers(settings) or 0):
        say(told)
    for row in rows if up == "local" else ():
        if row[1] in ("backoff", "exited", "fatal"):
            say(f"\n{local.tail(settings, row[0], lines=3)}")
    return all(map(is_well, rows))


def is_well(row: list[str]) -> bool:
    """Whether a row is of something that is ready, has done its work, or is done without."""
    return row[-1] in ("yes", "done") or row[-1].startswith("without: ")


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
    there = here()
    for service in SERVICES:
        if service not in there:
            rows.append([service.name, "not here", "", "", "", f"without: {valkey.MISSING}"])
            continue
        info: dict[str, Any] = now.get(service.name, {"statename": "MISSING", "pid": 0, "start": 0, "now": 0})
        # For its first second a process that was started anew counts as starting; what answers is ready.
        answering = info["statename"] == "STARTING" and service.port_in(settings) is not None
        running = info["statename"] == "RUNNING" or answering
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


def duration(seconds: float) -> str:
    """`3 min`, as a person would say it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"
