"""`spans hunt`: one slow checkout among others, in the services' real logs, without the ids that would tell them apart.

What the incident looked like before there was tracing. The answer comes from the trace.
"""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from workshop.logs.log_lines import LogLine
from workshop.logs.reading import lines_between
from workshop.shop import checkout
from workshop.stack.errors import StackError
from workshop.stack.screen import out, say
from workshop.stack.settings import Settings, current

SERVICES = ("gateway", "order", "inventory", "payment")
IDS = ("trace_id", "span_id")
ANSWERED = "POST /checkout answered 201"
# How much of the logs is shown before and after the checkout: nobody knows to the millisecond when it was. In seconds.
AROUND = 1.0
# How far back a checkout is looked for when none is made. In seconds.
LOOK_BACK = 600.0
# What people still feel as nearly at once, in milliseconds.
AT_ONCE_MS = 150.0
# How long the last lines may take to get into the logs. In seconds.
PATIENCE = 3.0


@dataclass(frozen=True)
class Hunt:
    """The checkout that is hunted, and the logs around it."""

    wanted: LogLine
    logs: dict[str, list[LogLine]]

    @property
    def ms(self) -> float:
        """How long the customer waited, in milliseconds, as the gateway's log has it."""
        return float(self.wanted.fields["duration_ms"])

    def lines(self, service: str) -> list[int]:
        """The numbers of the checkout's own lines in a service's log, from 1."""
        return [n for n, line in enumerate(self.logs[service], 1) if line.trace_id == self.wanted.trace_id]

    def candidates(self, service: str) -> int:
        """How many of a service's answers could be the checkout's, by their times alone: those within its wait."""
        begin = self.wanted.time - self.ms * 1e6
        return sum(
            begin <= line.time - line.fields["duration_ms"] * 1e6 and line.time <= self.wanted.time
            for line in self.logs[service]
            if "duration_ms" in line.fields and line.message.startswith("POST")
        )


def hunt(checkouts: int, clients: int) -> None:
    """Let customers shop at the same time, and print the logs around one of them without ids; 0: who was here last."""
    settings = current()
    since = time.time() if checkouts else time.time() - LOOK_BACK
    if checkouts:
        say(f"{clients} customers at once make {checkouts} checkouts, and look around in the shop.")
        made = fire(settings, checkouts, clients)
        lines = wait_for_lines(settings, since, made)
        # A customer like any other: the longest wait of all would be too easy to find.
        answered = sorted((line for line in lines if line.trace_id in made), key=waited)
        wanted = answered[len(answered) // 2]
    else:
        last = [line for line in lines_between(settings, ["gateway"], since) if is_checkout(line)][-12:]
        if not last:
            minutes = LOOK_BACK / 60
            raise StackError(f"no checkout was confirmed in the last {minutes:.0f} minutes: leave --checkouts out")
        wanted = max(last, key=waited)
    found = around(settings, wanted)
    folder = write(settings, found)
    show(found, folder)


def waited(line: LogLine) -> float:
    """The milliseconds of a gateway's line."""
    return float(line.fields["duration_ms"])


def is_checkout(line: LogLine) -> bool:
    """Whether the line is the gateway's about a confirmed checkout that has a trace."""
    return line.service == "gateway" and line.message.startswith(ANSWERED) and bool(line.trace_id)


def fire(settings: Settings, checkouts: int, clients: int) -> set[str]:
    """Make checkouts from several clients at once, each after a look at the catalogue; their trace ids."""

    def shop(_: int) -> checkout.Outcome:
        with requests.Session() as session:
            session.trust_env = False
            items = checkout.pick(settings.seed_products)
            checkout.browse(session, settings)
            return checkout.buy(session, settings, items, checkout.GOOD_CARD)

    with ThreadPoolExecutor(clients) as pool:
        outcomes = list(pool.map(shop, range(checkouts)))
    confirmed = {outcome.trace_id for outcome in outcomes if outcome.good and outcome.trace_id}
    if not confirmed:
        raise StackError(f"no checkout was confirmed, the last one: {outcomes[-1].status} {outcomes[-1].words}")
    return confirmed


def wait_for_lines(settings: Settings, since: float, trace_ids: set[str]) -> list[LogLine]:
    """The gateway's lines about the checkouts, once every service's lines about them are in the logs."""
    deadline = time.monotonic() + PATIENCE
    while True:
        lines = lines_between(settings, SERVICES, since - 1)
        missing = {(service, trace_id) for service in SERVICES for trace_id in trace_ids}
        missing -= {(line.service, line.trace_id) for line in lines}
        if not missing:
            return [line for line in lines if is_checkout(line)]
        if time.monotonic() > deadline:
            service, trace_id = min(missing)
            raise StackError(f"{service} logged nothing about trace {trace_id}: hunting needs LOG_LEVEL=INFO or DEBUG")
        time.sleep(0.1)


def around(settings: Settings, wanted: LogLine) -> Hunt:
    """The four services' logs around a checkout."""
    end = wanted.time / 1e9
    lines = lines_between(settings, SERVICES, end - waited(wanted) / 1e3 - AROUND, end + AROUND)
    return Hunt(wanted, {service: [line for line in lines if line.service == service] for service in SERVICES})


def without_ids(line: LogLine) -> dict[str, Any]:
    """The line as it was written, but for its trace and span ids."""
    return {name: value for name, value in line.fields.items() if name not in IDS}


def write(settings: Settings, found: Hunt) -> Path:
    """Put each service's log into a file of its own, for grep and less, and remember the answer; the folder."""
    folder = settings.state / "hunt"
    folder.mkdir(parents=True, exist_ok=True)
    for service, lines in found.logs.items():
        text = "".join(json.dumps(without_ids(line)) + "\n" for line in lines)
        (folder / f"{service}.log").write_text(text)
    answer = {
        "trace_id": found.wanted.trace_id,
        "ms": found.ms,
        "lines": {service: found.lines(service) for service in SERVICES},
        "candidates": {service: found.candidates(service) for service in SERVICES},
    }
    (settings.state / "hunt-answer.json").write_text(json.dumps(answer) + "\n")
    return folder


def read_answer() -> dict[str, Any]:
    """What is known about the last hunt: trace_id, ms, lines and candidates by service. StackError without one."""
    path = current().state / "hunt-answer.json"
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        raise StackError("there was no hunt yet: make hunt") from None


def clock(line: LogLine) -> str:
    """`10:31:07.123`, in UTC as the services write it."""
    return datetime.fromtimestamp(line.time / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]


def show(found: Hunt, folder: Path) -> None:
    """Print the logs, then the task."""
    for service, lines in found.logs.items():
        say("")
        out.print(f"{service}, {len(lines)} lines", style="bold", markup=False)
        for number, line in enumerate(lines, 1):
            say(f"{number:4}  {clock(line)}  {line.level:7} {line.message}")
    say("")
    say("The task", "bold")
    say(f"At {clock(found.wanted)[:-4]} UTC a customer got a confirmation after {found.ms:,.0f} ms, and complains.")
    say("You have the logs of the four services, as they are when nobody traces: times, but no ids.")
    say("  1. Which lines in each log are about this checkout?")
    say("  2. Which service kept the customer waiting, and for how much of the time?")
    say("  3. What did it do in that time: which statement?")
    say("")
    if found.ms < AT_ONCE_MS:
        say("Nobody would complain about this one: make break, then make hunt again.", "yellow")
    say(f"The logs as files: {folder}")
    say("Take the time, and write it down. Then: make hunt ARGS=--answer")


def show_lines(answer: dict[str, Any]) -> None:
    """Print which lines it was, and how many others it might have been."""
    say("The lines of this checkout:", "bold")
    for service in SERVICES:
        numbers: Sequence[int] = answer["lines"][service]
        told = " and ".join(map(str, numbers)) or "none"
        others = answer["candidates"][service]
        doubt = f"  (by its times it could have been any of {others} answers)" if others > 1 else ""
        say(f"  {service:9}  {told}{doubt}")
