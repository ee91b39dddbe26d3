"""What a span's attributes mean, under the old and the new semantic conventions alike.

OpenTelemetry renamed most attributes when they became stable (HTTP 1.23, databases 1.33); libraries of both ages
send to the same backend, so each question is asked once here, newest name first.
"""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from workshop.traces.span import Span

STATEMENT_SHOWN = 60  # characters of a statement that stand for it where it has no summary


def _first(span: Span, *keys: str) -> Any:
    attributes = span.attributes
    for key in keys:
        value = attributes.get(key)
        if value is not None and value != "":
            return value
    return None


def http_method(span: Span) -> str | None:
    """`GET`, `POST`, …"""
    value = _first(span, "http.request.method", "http.method")
    return str(value).upper() if value else None


def http_status(span: Span) -> int | None:
    """The answer's status code."""
    value = _first(span, "http.response.status_code", "http.status_code")
    try:
        return int(value) if value is not None else None
    except (TypeError, ValueError):
        return None


def http_route(span: Span) -> str | None:
    """The route's template, on server spans."""
    value = _first(span, "http.route")
    return str(value) if value else None


def url(span: Span) -> str | None:
    """The whole URL of a call, or the path on a server span that has no more."""
    value = _first(span, "url.full", "http.url", "url.path", "http.target")
    return str(value) if value else None


def path(span: Span) -> str | None:
    """The URL's path, without query."""
    address = url(span)
    return (_split(address)[1] or "/") if address else None


def peer(span: Span) -> str | None:
    """Who was called, as `host:port` or a service's name."""
    named = _first(span, "service.peer.name", "peer.service")
    if named:
        return str(named)
    address = _first(span, "url.full", "http.url")
    if address and (host := _split(str(address))[0]):
        return host
    host = _first(span, "server.address", "net.peer.name", "http.host", "net.sock.peer.name", "net.sock.peer.addr")
    if not host:
        return None
    port = _first(span, "server.port", "net.peer.port", "net.sock.peer.port")
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
    value = _first(span, "db.system.name", "db.system")
    if value:
        return str(value)
    return str(_first(span, "db.type")) if _first(span, "db.type") else None


def database(span: Span) -> str | None:
    """The database's name."""
    value = _first(span, "db.namespace", "db.name", "db.instance")
    return str(value) if value else None


def statement(span: Span) -> str | None:
    """The text of a database call's statement, comments and all."""
    value = _first(span, "db.query.text", "db.statement")
    return str(value) if value else None


def is_db(span: Span) -> bool:
    """Whether the span is a call to a database."""
    return db_system(span) is not None and span.kind in ("client", "internal")


def is_rpc(span: Span) -> bool:
    """Whether the span is one side of an RPC, gRPC for example."""
    return _first(span, "rpc.system.name", "rpc.system") is not None


def is_messaging(span: Span) -> bool:
    """Whether the span sends or handles a message."""
    return _first(span, "messaging.system", "messaging.destination.name", "messaging.destination") is not None


# Spans that stand for a wait, as libraries name them: HikariDataSource.getConnection, pg-pool.connect, …
_WAITS = re.compile(
    r"(?i)getconnection|pool[.\-_ ]?(acquire|connect|get|checkout|wait)|\bacquire|\block\b|mutex|semaphore"
    r"|\bwait|queue.?wait"
)


def is_wait(span: Span) -> bool:
    """Whether the span's name says that it waits: for a connection, a lock, a place."""
    return bool(_WAITS.search(span.name)) and not statement(span)


def is_call(span: Span) -> bool:
    """Whether the span is a call to another process that is no database: HTTP, RPC, or a plain client span."""
    return span.kind == "client" and not is_db(span)


_RETRYABLE_GRPC = {"4", "8", "10", "14", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "UNAVAILABLE"}


def grpc_status(span: Span) -> str | None:
    """gRPC's status, as the library wrote it: a number or a name."""
    value = _first(span, "rpc.response.status_code", "rpc.grpc.status_code")
    return None if value is None else str(value)


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
        return int(_first(span, "http.request.resend_count", "http.resend_count", "http.retry_count") or 0)
    except (TypeError, ValueError):
        return 0


def error_text(span: Span) -> str:
    """What went wrong, in the span's own words: exception, status message, error type, status code; or ''."""
    for event in reversed(span.events):
        kind = event.attributes.get("exception.type") or event.attributes.get("error.kind")
        if kind or event.name in ("exception", "error"):
            message = event.attributes.get("exception.message") or event.attributes.get("message") or ""
            return ": ".join(str(part) for part in (kind, message) if part) or event.name
    if span.status_message:
        return span.status_message
    kind = _first(span, "error.type", "error.message")
    if kind and not str(kind).isdigit():
        return str(kind)
    status = http_status(span)
    if status is not None and status >= 400:
        return f"answered {status}"
    if (grpc := grpc_status(span)) not in (None, "0", "OK"):
        return f"gRPC status {grpc}"
    return str(kind) if kind else ""


_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_LITERAL = re.compile(
    r"'(?:[^']|'')*'|\$\d+|%\(\w+\)s|%s|(?<![:\w]):\w+|@\w+|\?|\b0x[0-9a-f]+\b|(?<![\w.])-?\d+(?:\.\d+)?\b"
)
_LIST = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)")
_ROWS = re.compile(r"(\(\?\))(?:\s*,\s*\(\?\))+")
_SPACE = re.compile(r"\s+")


@lru_cache(maxsize=4096)
def tidy(text: str) -> str:
    """The statement on one line, without its comments."""
    return _SPACE.sub(" ", _COMMENT.sub(" ", text)).strip()


@lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    """The statement with every value as `?`, so that two runs with different values are equal."""
    text = _LITERAL.sub("?", tidy(text[:20_000]))
    return _ROWS.sub(r"\1", _LIST.sub("(?)", text)).lower()


_PART_WITH_ID = re.compile(r"(?i)^(?:\d+|[0-9a-f-]{16,}|[a-z_]*-?\d[\w.-]*|[\w+/=-]{24,})$")


@lru_cache(maxsize=4096)
def path_template(text: str) -> str:
    """A path with its ids replaced: `/orders/17/items` as `/orders/{id}/items`."""
    # `v1` names a version of an API, not a thing.
    return "/".join(
        "{id}" if _PART_WITH_ID.match(part) and not re.fullmatch(r"v\d{1,2}", part) else part
        for part in text.split("/")
    )


# Words of which a database span's name may consist and still say nothing: verbs, and what libraries call themselves.
_EMPTY_WORDS = frozenset(
    {
        "select",
        "insert",
        "update",
        "delete",
        "merge",
        "with",
        "call",
        "query",
        "execute",
        "exec",
        "prepare",
        "begin",
        "commit",
        "rollback",
        "get",
        "set",
        "find",
        "pg",
        "sql",
        "db",
        "mysql",
        "mysql2",
        "postgres",
        "postgresql",
        "jdbc",
        "conn",
        "connection",
        "stmt",
        "statement",
        "client",
        "pool",
        "rows",
        "row",
    }
)
_HTTP_VERB = re.compile(r"(?i)^(?:HTTP )?(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|HTTP|CONNECT|TRACE)$")


def label(span: Span) -> str:
    """A name by which a person knows the span again: the statement or the address where the name is a mere verb."""
    if is_db(span):
        return _db_label(span)
    if span.kind == "client" and _HTTP_VERB.match(span.name):
        where = f"{peer(span) or ''}{path(span) or ''}"
        return f"{http_method(span) or span.name} {where}".strip()
    if span.kind == "server" and _HTTP_VERB.match(span.name) and (route := http_route(span) or path(span)):
        return f"{http_method(span) or span.name} {route}"
    return span.name or "(no name)"


def _db_label(span: Span) -> str:
    summary = _first(span, "db.query.summary")
    if summary:
        return str(summary)
    text = statement(span)
    known = {(database(span) or "").lower(), (db_system(span) or "").lower()}
    bare = all(word in _EMPTY_WORDS or word in known for word in re.split(r"[\W]+", span.name.lower()) if word)
    table = _first(span, "db.collection.name", "db.sql.table", "db.mongodb.collection")
    if text and bare and not (text.startswith("{") and table):
        system = db_system(span)
        return f"{system} {head(text)}" if system in ("redis", "memcached", "valkey") else head(text)
    if bare and table:
        return f"{_first(span, 'db.operation.name', 'db.operation') or span.name} {table}"
    return span.name or "(database call)"


def head(text: str, length: int = STATEMENT_SHOWN) -> str:
    """The beginning of a statement, on one line."""
    line = tidy(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


_TABLE = re.compile(r'(?i)\b(?:from|into|join|update|table)\s+(?:only\s+)?((?!select\b|set\b)[\w."`\[\]$]+)')


@lru_cache(maxsize=4096)
def summary(text: str) -> str:
    """The statement's verb and tables, as OpenTelemetry defines a query summary: `SELECT stock_movement`."""
    line = tidy(text[:20_000])
    verb = line.split(" ", 1)[0].upper()
    tables = list(dict.fromkeys(name.strip('"`[]') for name in _TABLE.findall(line)))
    lock = " FOR UPDATE" if re.search(r"(?i)\bfor (?:no key )?update\b", line) else ""
    return " ".join([verb, *tables[:3]]) + lock


def short_label(span: Span) -> str:
    """The label for where there is little room."""
    text = statement(span)
    full = label(span)
    if is_db(span) and text and full == head(text):
        return summary(text)
    if span.kind == "client" and (where := path(span)) and full.endswith(where):
        return f"{http_method(span) or span.name} {where}"
    return full


@lru_cache(maxsize=4096)
def _call_key(method: str, where: str, address: str) -> tuple[str, str, str]:
    # `shard-7` is one of several that are alike; a port is not, services on one machine differ only by it.
    return method, re.sub(r"-\d+(?=[.:]|$)", "-{n}", where), path_template(address)


def same_work(span: Span) -> tuple[str, ...]:
    """Spans with the same key do the same work with other values: one statement, one call but for ids, one name."""
    if is_db(span):
        text = statement(span)
        return ("db", span.service, normalised(text) if text else span.name, database(span) or "")
    if span.kind == "client" and (address := path(span)) and http_method(span):
        return ("http", span.service, *_call_key(http_method(span) or "", peer(span) or "", address))
    return (span.kind, span.service, path_template(span.name))


def same_request(span: Span) -> tuple[str, ...]:
    """Spans with the same key ask for exactly the same thing, values included as far as the trace shows them."""
    if is_db(span):
        return ("db", span.service, tidy(statement(span) or span.name))
    return (span.kind, span.service, span.name, http_method(span) or "", url(span) or "", peer(span) or "")
