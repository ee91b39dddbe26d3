"""This checkout's own system, and no other: what a command that buys, breaks or mends asks first.

Two checkouts with the same ports, of which one is up, look alike to whoever only knows the ports. So each start gives
the system an id: the gateway tells it (`/healthz`), and PostgreSQL (`cluster_name`).
"""

import http.client
import json
from typing import Any

from workshop.stack import ports, runtime
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.local import processes
from workshop.stack.settings import Running, Settings, current


def system() -> Settings:
    """The settings of this checkout's system; StackError when it is not up, or another one answers in its place."""
    settings = current()
    mine, told = Running(settings).id(), answered(settings.gateway_port)
    if mine and told == mine:
        return settings
    if runtime.what_is_up(settings):
        # Nobody answers: the command itself has the better words. No id: the system was started by Compose alone.
        if not told:
            return settings
        raise StackError(f"{stranger(settings)}; nothing was done. make down, then make up tells what is in the way")
    docker.tell_others(settings)
    if told is None:
        raise StackError("nothing is up here: make up starts the system")
    raise StackError(
        f"{stranger(settings)}, and this one is not up: nothing was done. Run the command there, or make up here"
    )


def answered(port: int) -> str | None:
    """The id of the system whose gateway answers on this port: "" when it tells none, None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/healthz")
        told: Any = json.loads(connection.getresponse().read(1000))
        return str(told.get("stack") or "") if isinstance(told, dict) else ""
    except OSError:
        return None
    except (http.client.HTTPException, ValueError):  # no gateway of ours
        return ""
    finally:
        connection.close()


def stranger(settings: Settings) -> str:
    """Who answers on the gateway's port, as far as the process table tells: another checkout, another program."""
    who = ports.owner(settings.gateway_port)
    state = processes.marker_of(who) if who else None
    if state:
        by = f"another checkout of this project (its state is in {state})"
    else:
        by = processes.describe(who) if who else "a system of somebody else"
    return f"port {settings.gateway_port} is answered by {by}"
