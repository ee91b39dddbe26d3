"""Changes on the runtime without Docker: files in the state folder that services/launch.sh and supervisord read."""

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from workshop.changes import patching
from workshop.changes.kinds import Change, Release, Setting
from workshop.stack.errors import StackError
from workshop.stack.local import supervisor
from workshop.stack.local import system as local
from workshop.stack.services import BY_NAME, not_ready
from workshop.stack.settings import ROOT, Settings

# How long a process that was started anew may take to be ready, in seconds.
READY_SECONDS = 30.0
HEADING = "# What was changed since the system was delivered; `spans changes` tells when, and by whom.\n"


def write(settings: Settings, changes: Sequence[Change]) -> None:
    """Have the files say what is in force, and nothing else. Nothing is started or ended."""
    folder = settings.state / "changes"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{name}.env": exports(values) for name, values in environments(settings, changes).items()}
    for old in folder.glob("*.env"):
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
                found.setdefault(change.service, {}).update(
                    PYTHONPATH=f"{front}{os.pathsep}{ROOT}",
                    # Or `python -m order.worker` puts the folder that it runs in before it.
                    PYTHONSAFEPATH="1",
                    OTEL_RESOURCE_ATTRIBUTES=f"service.version={version(change)}",
                )
    return found


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


def converge(settings: Settings, changes: Sequence[Change], restart: str) -> None:
    """Have the running system be what these changes make it; one process is started anew, none for ""."""
    write(settings, changes)
    if restart:
        start_anew(settings, restart)


def start_anew(settings: Settings, name: str) -> None:
    """End a process, start it, and come back when it is ready; StackError, with its last words, when it is not."""
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
