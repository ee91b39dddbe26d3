"""The words that a span's name consists of, and what they say: that it waits, opens a connection, polls, streams.

Names are read word by word, never by the letters in them: `render waiting list` waits for nobody.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Literal

_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

Waited = Literal["", "connection", "pool", "lock", "queue", "thread"]

_RESOURCES: dict[str, Waited] = {
    "connection": "connection",
    "connections": "connection",
    "conn": "connection",
    "getconn": "connection",
    "pool": "pool",
    "slot": "pool",
    "permit": "pool",
    "lock": "lock",
    "locks": "lock",
    "mutex": "lock",
    "semaphore": "lock",
    "latch": "lock",
    "barrier": "lock",
    "queue": "queue",
    "thread": "thread",
    "worker": "thread",
    "executor": "thread",
}
_TAKING = frozenset({"acquire", "acquiring", "borrow", "obtain", "lease", "await"})
_ONLY_BESIDE = frozenset({"get", "connect", "checkout", "take", "wait", "waiting", "request"})
_KINDS_OF_LOCK = frozenset(
    "row table advisory file redis distributed global mutex spin read write rw exclusive shared db database cache "
    "transaction session try".split()
)


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `HikariDataSource.getConnection` is hikari, data, source, get, connection."""
    return tuple(piece.lower() for piece in _PIECES.findall(name))


@lru_cache(maxsize=4096)
def waited_for(name: str) -> Waited:
    """What a span with this name waits for, by its words; "" when it does not say that it waits."""
    found = words(name)
    if not found or "/" in name:  # a path or an RPC's name is the caller's word, not the waiting one's
        return ""
    if any(word in _ANSWER for word in found) or waits_for_work(name):
        return ""
    resources = [_RESOURCES[word] for word in found if word in _RESOURCES]
    if any(word in _TAKING for word in found):
        return resources[-1] if resources else "lock" if len(found) == 1 else ""
    for left, right in pairwise(found):
        if left in _ONLY_BESIDE and right in _RESOURCES and right == found[-1] and right != "queue":
            return _RESOURCES[right]
        if left in _RESOURCES and right in _ONLY_BESIDE and right == found[-1] and left not in ("thread", "worker"):
            return _RESOURCES[left]
    if found[-1] == "getconn":
        return "connection"
    if found[0] in ("wait", "waiting"):
        return _after_wait(found, resources)
    if found[0] in _HELD_UP:
        return resources[-1] if resources else "queue" if found[0].startswith("queu") else "lock"
    if found in _IN_A_QUEUE:
        return "queue"
    if found[-1] == "wait" and len(found) <= 3:
        return resources[-1] if resources else "lock"
    if found[-1] in ("lock", "mutex") and all(word in _KINDS_OF_LOCK for word in found[:-1]):
        return "lock"
    return ""


def _after_wait(found: tuple[str, ...], resources: list[Waited]) -> Waited:
    if len(found) == 1:
        return "lock"
    if found[1] in ("for", "on", "until"):
        return resources[-1] if resources else "lock"
    return resources[-1] if resources else ""


# Waiting for an answer is what a call does, no wait for somebody who holds something.
_ANSWER = frozenset("response responses reply replies answer headers ttfb".split())
_HELD_UP = frozenset("blocked queued queueing queuing".split())
_IN_A_QUEUE = frozenset({("time", "in", "queue"), ("in", "queue"), ("queue", "time"), ("queue", "delay")})


@lru_cache(maxsize=4096)
def says_what_for(name: str) -> bool:
    """Whether a name that says that it waits says for what: `wait` alone, below a call, is the call's own waiting."""
    return any(word in _RESOURCES for word in words(name))


_WORK = frozenset("job jobs task tasks work message messages event events".split())


@lru_cache(maxsize=4096)
def waits_for_work(name: str) -> bool:
    """Whether the name says that there was nothing to do: `wait for job`, `waiting for messages`."""
    found = words(name)
    return len(found) >= 2 and found[0] in ("wait", "waiting", "await") and found[-1] in _WORK


_SOCKET = frozenset({"dns", "tcp", "tls", "ssl", "socket"})
_OPENING = frozenset(
    "connect connected reconnect connection lookup handshake dial resolve open setup start done establish name http "
    "https net client go".split()
)
_NEW_CONNECTION = frozenset({"open", "create", "new", "establish", "opening", "make"})


@lru_cache(maxsize=4096)
def opens_connection(name: str) -> bool:
    """Whether the name says that a connection is opened: `connect`, `dns.lookup`, `tls.connect`, `pg.connect`."""
    found = words(name)
    if not found or "/" in name:
        return False
    if found[-1] in ("connect", "reconnect") or (
        found[-1] == "connection" and found[-2:-1] and found[-2] in _NEW_CONNECTION
    ):
        return True
    if found[-2:] in (("connection", "setup"), ("connection", "open")) or found in (("open",), ("open", "async")):
        return True
    if found[0] in _SOCKET and found[1:2] and found[1] in _OPENING:  # `DNS lookup rates.example`
        return True
    return any(word in _SOCKET for word in found) and all(word in _SOCKET or word in _OPENING for word in found)


@lru_cache(maxsize=4096)
def polls(name: str) -> bool:
    """Whether the name says that messages are asked for: `orders receive`, `kafka.poll`, `ReceiveMessage`."""
    found = words(name)
    return bool(found) and (found[-1] in ("receive", "poll", "pull", "fetch") or found[-2:] == ("receive", "message"))


_STREAMING_RPC = frozenset({"watch", "subscribe", "stream", "streaming", "tail", "follow"})
_STREAM = frozenset({"websocket", "websockets", "sse", "eventstream", "eventsource", "signalr", "longpoll", "ws"})


@lru_cache(maxsize=4096)
def streams(name: str, *, rpc: bool = False) -> bool:
    """Whether the name says that an answer is kept open: a websocket, server-sent events, an RPC's watch.

    A path is read more strictly: to subscribe, or to follow somebody, is a request like any other in HTTP.
    """
    whole = words(name)
    pairs = set(pairwise(whole))
    if any(word in _STREAM for word in whole) or pairs & {("web", "socket"), ("web", "sockets"), ("socket", "io")}:
        return True
    last = words(name.rsplit("/", 1)[-1])
    if not rpc:
        return last in (("stream",), ("event", "stream"))
    return bool(last) and (last[0] in _STREAMING_RPC or last[-1] in _STREAMING_RPC)


_BATCH = frozenset(
    "batch nightly hourly daily weekly monthly cron cronjob job scheduled scheduler backfill etl reindex import export "
    "migration migrate cleanup purge housekeeping compaction rollup rebuild".split()
)


@lru_cache(maxsize=4096)
def is_batch(name: str) -> bool:
    """Whether the name says that it is a job that nobody waits for: `nightly export`, `cron.cleanup`."""
    return any(word in _BATCH for word in words(name))


@lru_cache(maxsize=4096)
def starts_cold(name: str) -> bool:
    """Whether the name says that a function's runtime was started first."""
    found = words(name)
    return found in (("init",), ("initialization",), ("coldstart",)) or found[:2] == ("cold", "start")
