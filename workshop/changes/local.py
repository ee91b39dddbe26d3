"""Changes on the runtime without Docker: files in the state folder that services/launch.sh and supervisord read."""

import contextlib
import os
import shlex
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from workshop.changes import edges, patching
from workshop.changes.kinds import Change, Job, Limit, Process, Release, Setting, Wire
from workshop.stack.errors import StackError
from workshop.stack.local import processes, supervisor
from workshop.stack.local import system as local
from workshop.stack.services import BY_NAME, not_ready
from workshop.stack.settings import ROOT, Settings

# How long a process that was started anew may take to be ready, in seconds.
READY_SECONDS = 30.0
# The stand-in is collector and Jaeger in one.
PROGRAMS = {"collector": "jaeger"}
# How the names of changes' own processes begin.
PREFIXES = ("wire-", "job-", "limit-")
PROGRAM = """autostart=true
autorestart=true
startretries=1000
stopwaitsecs=5
killasgroup=true
redirect_stderr=true
stdout_logfile=%(ENV_STATE)s/logs/%(program_name)s.log
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=1
"""
HEADING = "# What was changed since the system was delivered; `spans changes` tells when, and by whom.\n"


def write(settings: Settings, changes: Sequence[Change]) -> None:
    """Have the files say what is in force, and nothing else. Nothing is started or ended."""
    folder = settings.state / "changes"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{name}.env": exports(values) for name, values in environments(settings, changes).items()}
    wanted |= {f"{each.program}.conf": program(settings, each) for each in changes if isinstance(each, Process)}
    for old in [*folder.glob("*.env"), *folder.glob("*.conf")]:
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        replace(folder / name, text)


def environments(settings: Settings, changes: Sequence[Change]) -> dict[str, dict[str, str]]:
    """The variables that each changed process gets, later changes over earlier ones; patched packages are made."""
    found: dict[str, dict[str, str]] = {}
    for change in changes:
        match change:
            case Setting():
                found.setdefault(change.service, {}).update(change.values)
            case Release():
                front = patching.make(settings, change)
                found.setdefault(change.service, {}).update(in_front(str(front), str(ROOT), change))
            case Wire():
                edge = edges.EDGES[change.caller, change.callee]
                found.setdefault(change.caller, {})[edge.variable] = f"{edge.scheme}127.0.0.1:{change.port}"
    return found


def in_front(front: str, code: str, release: Release) -> dict[str, str]:
    """The variables that put a package in front of the real one, and have its spans tell which it was."""
    return {
        "PYTHONPATH": f"{front}{os.pathsep}{code}",
        # Or `python -m order.worker` puts the folder that it runs in before it.
        "PYTHONSAFEPATH": "1",
        "OTEL_RESOURCE_ATTRIBUTES": f"service.version={version(release)}",
    }


def program(settings: Settings, change: Process) -> str:
    """A section for supervisord: the change's own process, which starts with the system and again when it ends."""
    match change:
        case Wire():
            words = edges.command(change, f"127.0.0.1:{change.port}", edges.target(change, settings))
        case Job():
            words = ["python", "-m", change.module, *change.arguments]
        case Limit():
            words = ["python", "-m", "workshop.changes.jobs.limit", change.service]
            words += [] if change.cpus is None else ["--cpus", f"{change.cpus:g}"]
            words += [] if change.memory_mb is None else ["--memory-mb", str(change.memory_mb)]
        case _:
            raise TypeError(change)
    command = shlex.join(words).replace("%", "%%")
    return f"{HEADING}[program:{change.program}]\ncommand={command}\n{PROGRAM}"


def version(release: Release) -> str:
    """`1.0.0+n-plus-one`: what the spans of a released service say."""
    return f"{patching.delivered()}+{release.name}"


def exports(values: Mapping[str, str]) -> str:
    """A file for services/launch.sh."""
    return HEADING + "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def replace(path: Path, text: str) -> None:
    """Write a file as a whole: whoever reads it has the old one, or the new one. It is on the disk on return."""
    half = path.with_name(path.name + ".new")
    with half.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def converge(settings: Settings, changes: Sequence[Change], change: Change) -> None:
    """Have the running system be what these changes make it; the process that `change` is about is started anew."""
    before = {name for name in supervisor.states(settings) if name.startswith(PREFIXES)}
    write(settings, changes)
    wanted = {each.program: each for each in changes if isinstance(each, Process)}
    supervisor.reread(settings)
    # What is called is there before its caller, and goes after it.
    for name in sorted(wanted.keys() - before):
        supervisor.add(settings, name)
    if isinstance(change, Process) and change.program in wanted:
        wait_for(settings, change)
    if change.restarts:
        start_anew(settings, change.restarts)
    for name in sorted(before - wanted.keys()):
        supervisor.remove(settings, name, local.STOP_SECONDS)
        # A limit that was killed may have left what it limited frozen.
        processes.resume(settings.state)


def wait_for(settings: Settings, change: Process) -> None:
    """Come back when a change's process runs, and listens where it should; StackError when it does not."""
    name, deadline = change.program, time.monotonic() + READY_SECONDS
    while True:
        state = supervisor.states(settings).get(name, {}).get("statename")
        if state in ("RUNNING", "STARTING") and isinstance(change, Wire) and change.via not in edges.SILENT:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", change.port), timeout=1).close()
                return
        elif state == "RUNNING":
            return
        if state in local.DIED or time.monotonic() > deadline:
            raise StackError(f"{name} does not run ({state})\n{local.tail(settings, name)}")
        time.sleep(0.05)


def ended(settings: Settings, changes: Sequence[Change]) -> set[str]:
    """The changes' own processes that do not run, by their programs' names."""
    now = supervisor.states(settings)
    wanted = {each.program for each in changes if isinstance(each, Process)}
    return {name for name in wanted if now.get(name, {}).get("statename") not in ("RUNNING", "STARTING")}


def start_anew(settings: Settings, name: str) -> None:
    """End a process, start it, and come back when it is ready; StackError, with its last words, when it is not."""
    name = PROGRAMS.get(name, name)
    service = BY_NAME[name]
    supervisor.stop_processes(settings, [name], local.STOP_SECONDS)
    if service.beats:
        # The last sign of the one before is none of the next.
        (settings.state / service.beats).unlink(missing_ok=True)
    supervisor.start_process(settings, name)
    deadline = time.monotonic() + READY_SECONDS
    while True:
        local.check_alive(settings, {name: service})
        reason = not_ready(service, settings)
        if reason is None:
            return
        if time.monotonic() > deadline:
            raise StackError(f"{name} {reason} after {READY_SECONDS:.0f} s\n{local.tail(settings, name)}")
        time.sleep(0.05)
