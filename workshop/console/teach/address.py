"""The address of the teacher's page: made by `make up`, printed again by `make teach`, gone with `make down`."""

import os
import secrets
from pathlib import Path

import psutil

from workshop.console.teach import door
from workshop.stack import runtime
from workshop.stack.errors import StackError
from workshop.stack.screen import say
from workshop.stack.settings import Settings, current

# A command that is ended undoes what it did, and starts a process anew for that.
PATIENCE = 60.0


def folder(settings: Settings) -> Path:
    """Where the page keeps its token and what runs: for this user only."""
    return settings.state / "teacher"


def settle() -> None:
    """After a start: say where the page is, if there is one."""
    settings = current()
    if runtime.what_is_up(settings) == "local":
        say(f"\nFor the teacher, on this machine alone: {address(settings)}")


def tell() -> None:
    """Print the address; StackError where there is no such page now."""
    settings = current()
    up = runtime.what_is_up(settings)
    if up is None:
        raise StackError("nothing is up here: make up starts the system, and prints the teacher's address")
    if up != "local":
        raise StackError(
            "the teacher's page runs commands, which the console in its container has not: in a terminal "
            "make scenarios lists the faults, and make break NAME=... switches one on"
        )
    say(address(settings))


def address(settings: Settings) -> str:
    """The page's address with the token of this start, which is made where there is none."""
    place = folder(settings)
    token = door.token_in(place)
    if not token:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.chmod(0o700)
        token = secrets.token_urlsafe(16)
        file = place / door.TOKEN
        file.unlink(missing_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:  # noqa: PTH123
            written.write(token)
    return f"{settings.console_url}/teach/{token}"


def end_first() -> None:
    """Before the system stops: end what the page runs while everything is there to undo it, and forget the token."""
    place = folder(current(lenient=True))
    if not place.is_dir():
        return
    from workshop.console.teach import work

    if found := work.interrupt_all(place):
        say("Ending what was started from the teacher's page.")
        psutil.wait_procs(found, timeout=PATIENCE)
    (place / door.TOKEN).unlink(missing_ok=True)
