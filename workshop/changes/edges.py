"""What can stand on the way from one process to another, and which edges there are."""

import random
import re
from dataclasses import dataclass

from workshop.changes.kinds import Wire
from workshop.stack import machine
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings

# The modules of wires/, each with the options that it takes and what each may be.
NUMBER = re.compile(r"\d{1,6}(\.\d{1,6})?")
HEADERS = re.compile(r"[A-Za-z0-9-]+(,[A-Za-z0-9-]+)*")
VIAS: dict[str, dict[str, re.Pattern[str]]] = {
    "proxy": {"knows": HEADERS},
    "link": {"delay_ms": NUMBER, "jitter_ms": NUMBER, "loss": NUMBER},
    "firewall": {},
}
# Whoever tries whether these listen waits for ever.
SILENT = ("firewall",)
# Where a wire listens within the containers' network.
DOCKER_PORT = 8000


@dataclass(frozen=True)
class Edge:
    """Who calls whom: the caller's variable, the callee's setting, and its address between containers."""

    variable: str
    port: str
    inside: str
    scheme: str = "http://"


INVENTORY = Edge("INVENTORY_URL", "inventory_port", "inventory:8082")
PAYMENT = Edge("PAYMENT_URL", "payment_port", "payment:8083")
EDGES: dict[tuple[str, str], Edge] = {
    ("gateway", "order"): Edge("ORDER_URL", "order_port", "order:8081"),
    ("gateway", "inventory"): INVENTORY,
    ("order", "inventory"): INVENTORY,
    ("order", "payment"): PAYMENT,
    ("order-worker", "inventory"): INVENTORY,
    ("order-worker", "payment"): PAYMENT,
    ("gateway", "valkey"): Edge("CACHE_URL", "valkey_port", "valkey:6379", "redis://"),
    ("payment", "provider"): Edge("PROVIDER_URL", "provider_port", "provider:8084"),
}


PORTS = range(18_100, 19_000)


def between(caller: str, callee: str, via: str, **options: str | float) -> Wire:
    """A wire on an edge, on a free port of this machine; StackError when there is no such edge, way or option."""
    wire = Wire(caller=caller, callee=callee, via=via, options=options, port=free_port())
    check(wire)
    return wire


def free_port() -> int:
    """A port for a wire, which wants it again at the next start.

    So none of those that a system hands out to whoever calls somebody: from 32768 on with Linux, 49152 elsewhere.
    """
    for number in random.sample(PORTS, len(PORTS)):
        if machine.port_problem(number) is None:
            return number
    raise StackError(f"none of the ports {PORTS[0]} to {PORTS[-1]} is free for a process on the way")


def check(wire: Wire) -> None:
    """StackError when there is no such edge, no such way, or when an option is none of its own."""
    if (wire.caller, wire.callee) not in EDGES:
        known = ", ".join(f"{caller} -> {callee}" for caller, callee in EDGES)
        raise StackError(f"no process calls another as {wire.caller} -> {wire.callee}: there is {known}")
    if wire.via not in VIAS:
        raise StackError(f"{wire.via!r} is nothing that could stand there: {', '.join(VIAS)} can")
    if wire.via == "proxy" and EDGES[wire.caller, wire.callee].scheme != "http://":
        raise StackError(f"{wire.callee} speaks no HTTP, so no proxy can stand before it: a link can")
    for name, value in wire.options.items():
        if name not in VIAS[wire.via] or not VIAS[wire.via][name].fullmatch(str(value)):
            raise StackError(f"{wire.via} takes no {name}={value}: it takes {', '.join(VIAS[wire.via]) or 'nothing'}")


def command(wire: Wire, bind: str, target: str) -> list[str]:
    """The process's command line: where it listens, whom it asks."""
    options = [word for name, value in wire.options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return ["python", "-m", f"workshop.changes.wires.{wire.via}", "--bind", bind, "--to", target, *options]


def target(wire: Wire, settings: Settings) -> str:
    """The callee's address on this machine."""
    return f"127.0.0.1:{getattr(settings, EDGES[wire.caller, wire.callee].port)}"
