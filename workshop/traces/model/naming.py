"""What a span is called: a label for people, and a key by which spans that do the same work are equal."""

import re
from functools import lru_cache

from workshop.traces.model import statements
from workshop.traces.model.conventions import (
    database,
    db_system,
    first,
    http_method,
    http_route,
    is_db,
    path,
    peer,
    statement,
    url,
)
from workshop.traces.model.span import Span

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
    summary = first(span, "db.query.summary")
    if summary:
        return str(summary)
    text = statement(span)
    known = {(database(span) or "").lower(), (db_system(span) or "").lower()}
    bare = all(word in _EMPTY_WORDS or word in known for word in re.split(r"[\W]+", span.name.lower()) if word)
    table = first(span, "db.collection.name", "db.sql.table", "db.mongodb.collection")
    if text and bare and not (text.startswith("{") and table):
        system = db_system(span)
        return (
            f"{system} {statements.head(text)}" if system in ("redis", "memcached", "valkey") else statements.head(text)
        )
    if bare and table:
        return f"{first(span, 'db.operation.name', 'db.operation') or span.name} {table}"
    return span.name or "(database call)"


def short_label(span: Span) -> str:
    """The label for where there is little room."""
    text = statement(span)
    full = label(span)
    if is_db(span) and text and full == statements.head(text):
        return statements.summary(text)
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
        return (
            "db",
            span.service,
            statements.normalised(text) if text else span.name,
            database(span) or "",
        )
    if span.kind == "client" and (address := path(span)) and http_method(span):
        return (
            "http",
            span.service,
            *_call_key(http_method(span) or "", peer(span) or "", address),
        )
    return (span.kind, span.service, path_template(span.name))


def same_request(span: Span) -> tuple[str, ...]:
    """Spans with the same key ask for exactly the same thing, values included as far as the trace shows them."""
    if is_db(span):
        return ("db", span.service, statements.tidy(statement(span) or span.name))
    return (
        span.kind,
        span.service,
        span.name,
        http_method(span) or "",
        url(span) or "",
        peer(span) or "",
    )
