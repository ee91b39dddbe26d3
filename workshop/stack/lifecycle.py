"""`up`, `down`, `clean`: the same for both runtimes."""

import contextlib
import shutil

import psycopg

from workshop.stack import database, machine, runtime
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.interrupts import handle_all
from workshop.stack.local import system as local
from workshop.stack.screen import complain, go_on_unheard, say
from workshop.stack.settings import ROOT, Running, Settings, current, load, unknown_variables

# What tools leave behind in the checkout.
CACHES = (".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis")


def up() -> None:
    """Start the system, unless it is up; print where it is and what to type next."""
    handle_all()
    go_on_unheard()
    settings = load()
    for line in unknown_variables():
        complain(line)
    chosen = runtime.choose(settings)
    if runtime.what_is_up(settings):
        runtime.tell_changed(settings)
        settings = current()
        say(f"The system was started before ({chosen} runtime); what is not up is started now.")
        with contextlib.suppress(psycopg.Error):
            database.take_connections(settings)
    if chosen == "docker":
        runtime.check_docker_ports(settings)
        docker.up(settings)
    else:
        local.up(settings)
    tell_addresses(settings)


def tell_addresses(settings: Settings) -> None:
    """The URLs and the next three commands."""
    say("")
    say("The system is up.")
    say(f"  shop      {settings.gateway_url}/")
    say(f"  console   {settings.console_url}/")
    say(f"  trace UI  {settings.jaeger_url}/")
    say("")
    say("Next:")
    say("  make checkout N=5  buy five times, and see how long it takes")
    say("  make trace         see where the time went")
    say("  make explain       ask PostgreSQL why")


def down() -> None:
    """Stop everything and keep the data; nothing happens when nothing is up."""
    settings = current(lenient=True)
    in_docker = runtime.what_is_up(settings) == "docker"
    if not stop(settings):
        docker.tell_others(settings)
        say("Nothing was up.")
    elif not in_docker and (settings.state / "traces.otlp").exists():
        say("Everything is stopped; the data and the traces are kept.")
    else:
        say("Everything is stopped; the data is kept. The traces are gone: Jaeger had them in memory.")


def stop(settings: Settings) -> bool:
    """Stop both runtimes; True when something ran."""
    note = Running(settings).read()
    was_docker = settings.project in docker.projects() if note is None else note[0] == "docker"
    in_docker = docker.stop(settings) if was_docker else False
    with local.alone(settings):
        return local.stop(settings) or in_docker


def clean() -> None:
    """Stop everything, then remove the data, the logs and .venv."""
    settings = current(lenient=True)
    projects = {*docker.remembered(settings), *docker.projects() & {settings.project}}
    reason = machine.docker_missing() if projects else None
    if reason:
        raise StackError(
            f"there is data in Docker, which cannot be used now: {reason}. Nothing was removed: start Docker, then "
            f"make clean (or, to leave it there, remove {settings.state} and .venv by hand)"
        )
    stop(settings)
    for name in sorted(projects):
        docker.remove(settings.model_copy(update={"compose_project_name": name}))
    local.remove(settings)
    # The last step takes away what this very command runs on, so nothing may be imported after it.
    say("Removed the data and the logs; the Python packages go last.")
    packages, removed = ROOT / ".venv", ROOT / ".venv.removed"
    shutil.rmtree(removed, ignore_errors=True)
    # Gone at once: half of it would be taken for all of it. A mount point cannot be moved, and is emptied.
    with contextlib.suppress(OSError):
        packages.rename(removed)
    for folder in [removed, packages, *(ROOT / name for name in CACHES), *ROOT.rglob("__pycache__")]:
        shutil.rmtree(folder, ignore_errors=True)
