"""`spans logs`: what the processes write, as they write it."""

import contextlib
import subprocess

from workshop.stack import runtime
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.log_files import follow, last_lines
from workshop.stack.screen import out, say
from workshop.stack.services import BY_NAME
from workshop.stack.settings import ROOT, current


def show(service: str, lines: int, following: bool) -> None:
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
