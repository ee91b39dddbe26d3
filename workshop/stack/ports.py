"""Are the ports free, and if one is not, who has it?"""

import errno
from collections.abc import Iterable

import psutil

from workshop.stack import machine
from workshop.stack.errors import StackError
from workshop.stack.first_run.environment import way_out
from workshop.stack.local import processes
from workshop.stack.settings import Settings

SERVICE_PORTS = (
    "gateway",
    "order",
    "inventory",
    "payment",
    "provider",
    "console",
    "postgres",
    "valkey",
    "otlp_http",
    "jaeger",
)
LOCAL = tuple(f"{name}_port" for name in SERVICE_PORTS)
DOCKER = (*LOCAL, "otlp_grpc_port")


def owner(number: int) -> psutil.Process | None:
    """The process that listens on the port; None when the system does not tell us."""
    try:
        everyone = psutil.net_connections("tcp")
    except (psutil.Error, OSError):  # macOS tells root only, but tells of our own processes one by one
        return next((process for process in psutil.process_iter() if listens(process, number)), None)
    pids = [c.pid for c in everyone if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == number]
    try:
        return psutil.Process(next(filter(None, pids)))
    except (StopIteration, psutil.Error):
        return None


def listens(process: psutil.Process, number: int) -> bool:
    """Whether a process listens on the port; False when it may not be looked at."""
    try:
        connections = process.net_connections("tcp")
    except (psutil.Error, OSError):
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == number for c in connections)


def sentence(setting: str, number: int, reason: int) -> str:
    """What is wrong with a port, and the way out."""
    variable = setting.upper()
    if reason == errno.EACCES:
        return f"port {number} ({variable}) is for root only: {way_out(variable)}, to one above 1023"
    if reason != errno.EADDRINUSE:
        name = errno.errorcode.get(reason, str(reason))
        return f"port {number} ({variable}) cannot be used ({name}): {way_out(variable)}"
    who = owner(number)
    by = processes.describe(who) if who else "a process that this user may not see"
    return f"port {number} is taken by {by}: {way_out(variable)}, or stop it"


def taken(settings: Settings, names: Iterable[str]) -> list[str]:
    """A sentence for each of these settings' ports that cannot be used; one for all that a checkout has."""
    found: list[str] = []
    others: dict[str, list[str]] = {}
    for name in names:
        number = getattr(settings, name)
        reason = machine.port_problem(number)
        if reason is None:
            continue
        who = owner(number) if reason == errno.EADDRINUSE else None
        checkout = processes.marker_of(who) if who else None
        if checkout == str(settings.state):
            continue  # what an earlier run of this checkout left: a start ends it
        if checkout:
            others.setdefault(checkout, []).append(f"{name.upper()} ({number})")
        else:
            found.append(sentence(name, number, reason))
    for checkout, variables in others.items():
        found.append(
            f"another checkout is up (its state is in {checkout}) and has the ports {', '.join(variables)}: "
            "run make down there, or set others in this one's .env"
        )
    return found


def check(settings: Settings, names: Iterable[str]) -> None:
    """StackError unless all of these ports are free."""
    found = taken(settings, names)
    if found:
        raise StackError("\n".join(found))
