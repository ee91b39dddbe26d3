"""The processes of the system, and how to tell that one is ready."""

import http.client
import socket
import time
from dataclasses import dataclass

from workshop.stack.local import valkey
from workshop.stack.settings import Settings


@dataclass(frozen=True)
class Service:
    """One process. `port` names its setting; one without listens nowhere, and may touch a file instead."""

    name: str
    port: str | None = None
    probed: bool = True  # says whether it is ready: /readyz, or one of the next two
    pinged: bool = False  # speaks Redis' protocol
    waits_for_prepare: bool = False  # for its schema, its secret, or both
    beats: str | None = None  # the file in the state folder that it touches while it lives
    needed: bool = True  # by a checkout

    def port_in(self, settings: Settings) -> int | None:
        """Its port; None when it listens nowhere."""
        return None if self.port is None else int(getattr(settings, self.port))


# In the order in which they are started; those that wait for nothing start while the databases are prepared.
SERVICES = (
    Service("postgres", "postgres_port", probed=False),
    Service("valkey", "valkey_port", pinged=True, needed=False),
    Service("jaeger", "jaeger_port", needed=False),
    Service("provider", "provider_port"),
    Service("payment", "payment_port", waits_for_prepare=True),
    Service("gateway", "gateway_port"),
    Service("console", "console_port", needed=False),
    Service("inventory", "inventory_port", waits_for_prepare=True),
    Service("order", "order_port", waits_for_prepare=True),
    Service("order-worker", beats="order-worker.alive", waits_for_prepare=True),
)
BY_NAME = {service.name: service for service in SERVICES}


def here() -> tuple[Service, ...]:
    """Those that can run on this machine without Docker: all, but the cache where there is no program for it."""
    return tuple(service for service in SERVICES if not service.pinged or valkey.program())


# What a checkout does without, with Docker, too: it must never stop the shop, at the start either.
NOT_NEEDED = ("collector", *(service.name for service in SERVICES if not service.needed))
# Stopped last: they take in the last spans and the last rows of the others.
STOPPED_LAST = ("jaeger", "postgres")
# A file that is touched every 2 s and is older than this, in seconds, is of a process that has stopped or hangs.
LAST_BEAT_SECONDS = 10.0


def not_ready(service: Service, settings: Settings) -> str | None:
    """Why the service is not ready by its own word (`/readyz`, or its file); None when it is, or has no probe."""
    if service.beats:
        return not_beating(service.beats, settings)
    number = service.port_in(settings)
    if number is None or not service.probed:
        return None
    if service.pinged:
        return not_ponging(number)
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=3)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(500).decode(errors="replace").strip()
        return None if response.status == 200 else f"/readyz answers {response.status} {body}"
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer on port {number} ({type(error).__name__})"
    finally:
        connection.close()


def not_ponging(number: int) -> str | None:
    """Why what speaks Redis' protocol on this port is not well; None when it is."""
    try:
        with socket.create_connection(("127.0.0.1", number), timeout=3) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(100)
    except OSError as error:
        return f"does not answer on port {number} ({type(error).__name__})"
    return None if answer.startswith(b"+PONG") else f"answers PING with {answer[:40]!r}"


def not_beating(name: str, settings: Settings) -> str | None:
    """Why the process that touches a file does not live; None when it does."""
    path = settings.state / name
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return "has not yet said that it lives"
    return (
        None
        if age <= LAST_BEAT_SECONDS
        else f"has not said that it lives for {age:.0f} s: make logs SERVICE=order-worker"
    )
