"""A shared workshop: sixty browsers with Live on beside the load of eight customers, with the index missing and there.

A browser asks for the console's search page every two seconds, by the room's door, and now and then for a trace. What a
visitor waits for its pages, and what that does to the customers' checkouts, which go to the shop directly.

python -m bench.room [--browsers 60] [--customers 8] [--seconds 20]
"""

import argparse
import random
import re
import statistics
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import requests

from bench import load
from workshop.share import opening
from workshop.share.room import Room
from workshop.stack.local.scratch import ScratchStack

LIVE_SECONDS = 2.0  # as the search page does it
TRACE_EVERY = 5  # searches


def look(room: Room, browsers: int, seconds: float) -> tuple[list[float], int]:
    """So many browsers for so long: the seconds of each page, and how many were not to be had."""
    times, failed, stop = list[float](), list[str](), time.monotonic() + seconds

    def browse() -> None:
        session = requests.Session()
        session.trust_env = False
        session.get(room.link, timeout=30)
        time.sleep(random.random() * LIVE_SECONDS)
        page, searches = room.console, random.randrange(TRACE_EVERY)  # nobody opens a trace on command
        while time.monotonic() < stop:
            began = time.monotonic()
            answer = session.get(page, timeout=30)
            took = time.monotonic() - began
            times.append(took)
            if answer.status_code != 200:
                failed.append(str(answer.status_code))
            searches += page == room.console
            traces = re.findall(r'href="(/trace/[0-9a-f]{32})"', answer.text)
            looks_at_one = searches % TRACE_EVERY == 0 and page == room.console and traces
            page = room.console + random.choice(traces) if looks_at_one else room.console
            time.sleep(max(0.0, LIVE_SECONDS - took))

    threads = [threading.Thread(target=browse) for _ in range(browsers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(failed)


def line(name: str, times: list[float], seconds: float, failed: int) -> str:
    """How many a second, and how long they took."""
    cuts = statistics.quantiles(times, n=20)
    return f"{name:42}{len(times) / seconds:7.1f} /s{cuts[9] * 1000:9.0f} ms{cuts[18] * 1000:9.0f} ms{failed:8}"


def measure(stack: ScratchStack, room: Room, name: str, options: argparse.Namespace) -> None:
    """The customers alone, then with the room; each in a process of its own."""
    port, customers, seconds = stack.settings.gateway_port, options.customers, options.seconds
    with ProcessPoolExecutor(2) as processes:
        alone = processes.submit(load.run, port, customers, seconds).result()
        looking = processes.submit(look, room, options.browsers, seconds)
        beside = processes.submit(load.run, port, customers, seconds).result()
        times, failed = looking.result()
    print(line(f"{name}: checkouts alone", alone.times, seconds, alone.failed))
    print(line(f"{name}: checkouts beside the room", beside.times, seconds, beside.failed))
    print(line(f"{name}: pages of the room", times, seconds, failed))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browsers", type=int, default=60)
    parser.add_argument("--customers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        stack.environment["SHARE"] = "127.0.0.1"
        stack.must("up")
        room = opening.open_room(stack.settings)
        assert room
        print(f"{'':42}{'rate':>10}{'p50':>12}{'p95':>12}{'failed':>8}")
        measure(stack, room, "index missing", options)
        stack.must("fix")
        measure(stack, room, "index there", options)


if __name__ == "__main__":
    main()
