"""The process in front of a shared workshop: `python -m workshop.share FILE LOG`, FILE as `room.py` writes it."""

import logging
import signal
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from common.serving.http_server import Server
from workshop.share import room as rooms
from workshop.share.front import Front, Visitors
from workshop.share.passing import Upstream
from workshop.share.room import Room
from workshop.share.routes import CONSOLE, SHOP

MOST_BODY = 64 * 1024  # bytes; the shop takes no more
THREADS = {"shop": 64, "console": 24}  # they wait for the two, and do little else
MOST_LOG = 1_000_000  # bytes, twice
GRACE_SECONDS = 1.0


def servers(room: Room) -> list[Server]:
    """Both doors, listening, on one loop; OSError when they cannot."""
    visitors = Visitors(room.token)
    # A trace's page is the console's for visitors, also where it would be Jaeger's.
    links = {room.gateway_url: room.shop, room.console_url: room.console, room.jaeger_url: room.console}
    sockets: dict[int, Any] = {}
    fronts = {
        "shop": (room.shop_port, Front(room, visitors, Upstream("the shop", room.gateway_url, links), SHOP)),
        "console": (
            room.console_port,
            Front(room, visitors, Upstream("the console", room.console_url, links), CONSOLE),
        ),
    }
    return [
        Server(front, (room.address, port), threads=THREADS[name], most_body=MOST_BODY, sockets=sockets)
        for name, (port, front) in fronts.items()
    ]


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    room = rooms.read(Path(sys.argv[1])) if len(sys.argv) == 3 else None
    if room is None:
        sys.exit("usage: python -m workshop.share FILE LOG; make up SHARE=1 writes the file")
    # Strangers cause lines, so they are bounded.
    log = RotatingFileHandler(sys.argv[2], maxBytes=MOST_LOG, backupCount=1)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", handlers=[log])
    try:
        doors = servers(room)
    except OSError as error:
        sys.exit(f"nothing can listen on {room.address}: {error.strerror}")
    ended: list[int] = []

    def end(number: int, _: object) -> None:
        ended.append(number)
        doors[0].pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    while not ended:
        doors[0].step(1.0)
    for door in doors:
        door.finish(GRACE_SECONDS)


if __name__ == "__main__":
    main()
