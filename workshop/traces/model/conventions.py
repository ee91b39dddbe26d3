"""What a span's attributes mean, under the old and the new semantic conventions alike.

OpenTelemetry renamed most attributes when they became stable (HTTP 1.23, databases 1.33); libraries of both ages
send to the same backend, so each question is asked once here, newest name first.
"""

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from workshop.traces.model import failure, words
from workshop.traces.model.span import Event, Span


def first(span: Span, *keys: str) -> Any:
    """The first of the attributes that is there and says something."""
    attributes = span.attributes
    for key in keys:
        value = attributes.get(key)
        if value is not None and value != "":
            return value
    return None


def http_method(span: Span) -> str | None:
    """`GET`, `POST`, …"""
    value = first(span, "http.request.method", "http.method")
    return str(value).upper() if value else None


def http_status(span: Span) -> int | None:
    """The answer's status code."""
    return failure.number(first(span, *failure.HTTP_KEYS))


def http_route(span: Span) -> str | None:
    """The route's template, on server spans."""
    value = first(span, "http.route")
    return str(value) if value else None


def url(span: Span) -> str | None:
    """The whole URL of a call, or the path on a server span that has no more."""
    value = first(span, "url.full", "http.url", "url.path", "http.target")
    return str(value) if value else None


def path(span: Span) -> str | None:
    """The URL's path, without query."""
    address = url(span)
    return (_split(address)[1] or "/") if address else None


def peer(span: Span) -> str | None:
    """Who was called, as `host:port` or a service's name."""
    named = first(span, "service.peer.name", "peer.service")
    if named:
        return str(named)
    if str(first(span, "rpc.system.name", "rpc.system") or "").startswith("aws") and (
        service := first(span, "rpc.service")
    ):
        return str(service)
    address = first(span, "url.full", "http.url")
    if address and (host := _split(str(address))[0]):
        return host
    host = first(span, "server.address", "net.peer.name", "http.host", "net.sock.peer.name", "net.sock.peer.addr")
    if not host:
        return None
    port = first(span, "server.port", "net.peer.port", "net.sock.peer.port")
    return f"{host}:{port}" if port and ":" not in str(host) else str(host)


@lru_cache(maxsize=4096)
def _split(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        return parts.netloc.rpartition("@")[2], parts.path
    except ValueError:
        return "", address.split("?", maxsplit=1)[0]


def db_system(span: Span) -> str | None:
    """`postgresql`, `mysql`, `redis`, `mongodb`, …; None when the span is not a database call."""
    value = first(span, "db.system.name", "db.system", "db.type")
    if value:
        return str(value)
    return "dynamodb" if span.attributes.get("rpc.service") == "DynamoDB" else None


def database(span: Span) -> str | None:
    """The database's name."""
    value = first(span, "db.namespace", "db.name", "db.instance")
    return str(value) if value else None


def statement(span: Span) -> str | None:
    """The text of a database call's statement, comments and all."""
    value = first(span, "db.query.text", "db.statement")
    return str(value) if value else None


def is_db(span: Span) -> bool:
    """Whether the span is a call to a database."""
    return db_system(span) is not None and span.kind in ("client", "internal")


def is_rpc(span: Span) -> bool:
    """Whether the span is one side of an RPC, gRPC for example."""
    return first(span, "rpc.system.name", "rpc.system") is not None


def is_messaging(span: Span) -> bool:
    """Whether the span sends or handles a message."""
    return first(span, "messaging.system", "messaging.destination.name", "messaging.destination") is not None


def is_wait(span: Span) -> bool:
    """Whether the span's name says that it waits: for a connection, a lock, a place."""
    return bool(words.waited_for(span.name)) and span.kind in ("internal", "client") and not statement(span)


def opens_connection(span: Span) -> bool:
    """Whether the span opens a connection: to a database, or the socket of a call."""
    said = (statement(span) or "").lower()
    if span.kind not in ("internal", "client") or said not in ("", "connect"):
        return False
    if is_db(span) and words.words(span.name)[:1] in (("connect",), ("reconnect",)):  # `connect shop`
        return True
    # A file or a shop is opened, too: only of a database is `open` alone a connection.
    return words.opens_connection(span.name) and (is_db(span) or "open" not in words.words(span.name)[:1])


def is_poll(span: Span) -> bool:
    """Whether the span asks for messages: it waits until there is one, or for as long as it may."""
    operation = str(first(span, "messaging.operation.type", "messaging.operation.name", "messaging.operation") or "")
    if is_messaging(span) or span.kind == "consumer":
        return operation.lower() in ("receive", "poll") or (not operation and words.polls(span.name))
    if str(first(span, "rpc.method") or "") == "ReceiveMessage" or _blocks(span):
        return True
    if span.kind != "internal":
        return False
    name = words.words(span.name)
    return name[-1:] == ("poll",) or name in (("poll", "loop"), ("polling",)) or words.waits_for_work(span.name)


_BLOCKING = frozenset(
    {"blpop", "brpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "subscribe", "psubscribe"}
)


def _blocks(span: Span) -> bool:
    if not is_db(span):
        return False
    verb = (statement(span) or span.name).split(" ", 1)[0].lower()
    text = (statement(span) or "").lower()
    return verb in _BLOCKING or (verb in ("xread", "xreadgroup") and " block " in text)


def is_stream(span: Span) -> bool:
    """Whether the span stands for an answer that is kept open: websocket, server-sent events, an RPC that streams."""
    if http_status(span) == 101:
        return True
    address = str(first(span, "url.full", "http.url", "url.scheme", "http.scheme") or "")
    if address.startswith(("ws:", "wss:")) or address in ("ws", "wss"):
        return True
    if str(first(span, "network.protocol.name", "net.protocol.name") or "").lower() == "websocket":
        return True
    kinds = first(
        span, "http.response.header.content-type", "http.request.header.upgrade", "http.request.header.accept"
    )
    if kinds and any(word in str(kinds).lower() for word in ("event-stream", "websocket")):
        return True
    if is_db(span) or span.kind == "internal":
        return False
    if method := first(span, "rpc.method"):
        return words.streams(str(method), rpc=True)
    if http_method(span) not in (None, "GET"):
        return False
    return words.streams(str(http_route(span) or path(span) or span.name), rpc=is_rpc(span))


def is_cold_start(span: Span) -> bool:
    """Whether a function says that its runtime had to be started for this call."""
    value = first(span, "faas.coldstart", "faas.cold_start", "cold_start", "coldStart", "aws.lambda.cold_start")
    return value is not None and str(value).lower() in ("true", "1", "yes")


def is_batch(span: Span) -> bool:
    """Whether the span stands for a job or a batch of messages: long by nature, and nobody waits for its answer."""
    if span.kind not in ("internal", "consumer"):
        return False
    number = first(span, "messaging.batch.message_count")
    if isinstance(number, int) and number > 1:
        return True
    timed = str(first(span, "faas.trigger") or "") == "timer" or first(span, "faas.cron", "cron.schedule") is not None
    return timed or words.is_batch(span.name)


def is_call(span: Span) -> bool:
    """Whether the span is a call to another process that is no database: HTTP, RPC, or a plain client span."""
    return span.kind == "client" and not is_db(span)


_RETRYABLE_GRPC = {"4", "8", "10", "14", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "UNAVAILABLE"}


def grpc_status(span: Span) -> str | None:
    """gRPC's status, as the library wrote it: a number or a name."""
    value = first(span, *failure.GRPC_KEYS)
    return None if value is None else str(value)


def is_refusal(span: Span) -> bool:
    """Whether the answer says that the request was at fault: 4xx, or a gRPC code like NOT_FOUND."""
    status = http_status(span)
    if status is not None:
        return 400 <= status < 500
    return (grpc_status(span) or "").upper() in failure.GRPC_REFUSED


def could_be_retried(span: Span) -> bool:
    """Whether the call failed in a way that callers answer by trying again: no answer, 5xx, 408, 425 or 429."""
    status = http_status(span)
    if status is not None:
        return status >= 500 or status in (408, 425, 429)
    if (grpc := grpc_status(span)) is not None:
        return grpc in _RETRYABLE_GRPC
    return span.is_error


def resend_count(span: Span) -> int:
    """How many times the request had been sent before, as the client library counted, else 0."""
    try:
        return int(first(span, "http.request.resend_count", "http.resend_count", "http.retry_count") or 0)
    except (TypeError, ValueError):
        return 0


def event_text(event: Event) -> str:
    """What an event tells: an exception's type and message, else the event's name."""
    if not is_exception(event):
        return event.name
    kind = event.attributes.get("exception.type") or event.attributes.get("error.kind")
    message = event.attributes.get("exception.message") or event.attributes.get("message") or ""
    return ": ".join(str(part) for part in (kind, message) if part) or event.name


def is_exception(event: Event) -> bool:
    """Whether the event is an exception, or an error of OpenTracing's."""
    kinds = event.attributes.get("exception.type"), event.attributes.get("error.kind")
    return event.name in ("exception", "error") or any(kinds)


def error_text(span: Span) -> str:
    """What went wrong, in the span's own words: exception, status message, error type, status code; or ''."""
    for event in reversed(span.events):
        if is_exception(event):
            return event_text(event)
    if span.status_message:
        return span.status_message
    kind = first(span, *failure.WORDS)
    if kind and not str(kind).isdigit() and str(kind).lower() != "true":
        return str(kind)
    status = http_status(span)
    if status is not None and status >= 400:
        return f"answered {status}"
    if (grpc := grpc_status(span)) not in (None, "0", "OK"):
        return f"gRPC status {grpc}"
    if code := span.attributes.get(failure.DATABASE_KEY):
        return f"the database answered {code}"
    return str(kind) if kind and kind is not True and str(kind).lower() != "true" else ""
