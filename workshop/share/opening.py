"""Opens a running system to a room, tells of it, closes it: `make up SHARE=1`, `make status`, `make down`."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import psutil
import segno
import urllib3

from workshop.share import address as addresses
from workshop.share import room as rooms
from workshop.share.room import Room
from workshop.stack import ports
from workshop.stack.errors import StackError
from workshop.stack.interrupts import undisturbed
from workshop.stack.local import processes
from workshop.stack.screen import out, say
from workshop.stack.settings import ROOT, Settings, current, load

START_SECONDS = 15.0
# What the process in front may see of a person's environment.
PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


def file(settings: Settings) -> Path:
    """Where an open room is written down."""
    return settings.state / "share.json"


def wanted() -> str | None:
    """The address that SHARE asks for; None when it does not. StackError for one that is not to be had."""
    share = load().share
    return addresses.chosen(share) if share not in ("", "0") else None


def settle(address: str | None) -> None:
    """After a start: open the system on the address, or with SHARE=0 close it; else say what is so."""
    settings, share = current(), load().share
    now = open_room(settings)
    if share == "0" and now:
        close(settings)
        say("\nThe room is closed; the system goes on for you.")
    elif address and now and now.address == address:
        tell(now)
    elif address:
        close(settings)
        tell(start(settings, address))
    elif now:
        say(f"\nIt is still open to the room, on {now.address}: make up SHARE=0 closes that.")


def open_room(settings: Settings) -> Room | None:
    """The room that is open now; None when none is."""
    room = rooms.read(file(settings))
    return room if room and room.pid and process_of(room, settings) else None


def process_of(room: Room, settings: Settings) -> psutil.Process | None:
    """The process in front of this room; None when it has ended, and its number is nobody's or another's."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(room.pid)
        if processes.marker_of(process) == str(settings.state) and "workshop.share" in process.cmdline():
            return process
    return None


def start(settings: Settings, address: str) -> Room:
    """Start the process in front, and come back when it answers; StackError when it does not."""
    check_ports(settings, address)
    room = Room(
        address=address,
        shop_port=settings.share_shop_port,
        console_port=settings.share_console_port,
        token=secrets.token_urlsafe(16),
        gateway_url=settings.gateway_url,
        console_url=settings.console_url,
        jaeger_url=settings.jaeger_url,
    )
    room.write(file(settings))
    settings.logs.mkdir(parents=True, exist_ok=True)
    log = settings.logs / "share.log"
    environment = {name: os.environ[name] for name in PASSED if name in os.environ}
    with log.open("w") as output, undisturbed():
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "workshop.share", str(file(settings)), str(log)],
            cwd=ROOT,
            env={**environment, processes.MARKER: str(settings.state)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_for(room, process, log)
    except BaseException:
        processes.end(processes.tree(process.pid))
        file(settings).unlink(missing_ok=True)
        raise
    room = Room(**{**vars(room), "pid": process.pid})
    room.write(file(settings))
    return room


def wait_for(room: Room, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Come back when both doors answer; StackError when the process ended or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    with urllib3.PoolManager(timeout=2.0, retries=False) as pool:
        for url in (room.projector, f"{room.console}/projector/{room.token}"):
            while True:
                with contextlib.suppress(urllib3.exceptions.HTTPError):
                    if pool.request("GET", url).status == 200:
                        break
                if process.poll() is not None or time.monotonic() > deadline:
                    words = log.read_text(errors="replace").strip()[-500:]
                    raise StackError(f"the room could not be opened: {words or 'it does not answer'}\nIts log: {log}")
                time.sleep(0.05)


def check_ports(settings: Settings, address: str) -> None:
    """StackError when nothing can listen on the room's ports of this address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for name in ("share_shop_port", "share_console_port"):
        try:
            socket.create_server((address, getattr(settings, name)), family=family).close()
        except OSError as error:
            raise StackError(ports.sentence(name, getattr(settings, name), error.errno or 0)) from None


def close(settings: Settings) -> None:
    """Shut the door, if there is one; what is under way gets a second."""
    room = rooms.read(file(settings))
    process = process_of(room, settings) if room and room.pid else None
    if process:
        processes.end([process])
    file(settings).unlink(missing_ok=True)


def close_first() -> None:
    """Shut the door before the system behind it stops, whatever is wrong with the settings."""
    close(current(lenient=True))


def in_words(settings: Settings) -> str:
    """Whether the system is open to a room, and where."""
    room = rooms.read(file(settings))
    if room is None:
        return "closed"
    if not open_room(settings):
        return "closed: its process has ended, make up SHARE=1 opens it anew"
    return f"OPEN on {room.address}, ports {room.shop_port} and {room.console_port}: {room.link}"


def drawn(link: str) -> str:
    """The link's QR code for a terminal: dark on white, whatever its own colours are."""
    lines = StringIO()
    segno.make(link, error="l", micro=False).terminal(lines, compact=True, border=2)
    return "".join(f"\x1b[97;40m{line}\x1b[0m\n" for line in lines.getvalue().splitlines())


def tell(room: Room) -> None:
    """The link, its QR code, and what is open."""
    say("\nShop and console are open to the room, for reading and buying; whoever has this link is in:\n")
    if out.is_terminal:
        out.file.write(drawn(room.link))  # not by Rich: the colours are part of it
    say(f"  {room.link}\n")
    say(f"  for the projector  {room.projector}")
    if rest := addresses.others(room.address):
        say(f"  not reachable?     this machine has other addresses: {rest}; make up SHARE=ADDRESS takes one")
    say("  make up SHARE=0 closes it, so does make down; the next opening has another link.")
