"""What a span is called: a label for people, and a key by which spans that do the same work are equal."""

import re
from functools import lru_cache
from itertools import groupby
from urllib.parse import unquote

from workshop.traces.model import statements, words
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

# Words that hold a digit and are words all the same, not ids.
_WORDS_WITH_DIGITS = frozenset(
    "s3 ec2 k8s h2 http2 http3 oauth1 oauth2 ipv4 ipv6 utf8 utf16 md5 sha1 sha256 sha512 base64 b2b b2c p2p i18n l10n "
    "a11y 2fa web2 web3 x509 mp3 mp4 h264 h265 log4j neo4j mysql2 e2e d3 top10 i2c auth0 r2".split()
)
_VERSION = re.compile(r"(?i)v\d{1,3}(?:[.\-_]?(?:\d{1,3}|alpha\d*|beta\d*|rc\d*))*")
_HEX = re.compile(r"(?i)\{?[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?|[0-9a-f]{12,}")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,:]\d+)*")
_NAME_AND_NUMBER = re.compile(r"(?i)[a-z][a-z_.-]*[-_.:=]\d+(?:[-_.:]\d+)*")
_LETTERS_AND_NUMBER = re.compile(r"(?i)[a-z]{1,2}\d+|[a-z]+\d{3,}")
_CODE = re.compile(r"[A-Z0-9]{6,}")  # OLJCESPC7Z
_LONG_CODE = re.compile(r"[\w+=.~-]{20,}")


def _is_id(part: str) -> bool:
    """Whether a part of a path names one thing out of many. Most words with a digit in them are words (`oauth2`)."""
    part = unquote(part) if "%" in part else part
    if not part or not any(map(str.isdigit, part)):
        return "@" in part[1:-1] and "." in part  # an e-mail address
    if part.lower() in _WORDS_WITH_DIGITS or _VERSION.fullmatch(part):
        return False
    return bool(
        _NUMBER.fullmatch(part)
        or _HEX.fullmatch(part)
        or _NAME_AND_NUMBER.fullmatch(part)
        or _LETTERS_AND_NUMBER.fullmatch(part)
        or _CODE.fullmatch(part)
        or _LONG_CODE.fullmatch(part)
        or re.fullmatch(r"\d{4}-\d\d-\d\d.*", part)
        or _many_digits(part)
        or "@" in part[1:-1]
    )


def _many_digits(part: str) -> bool:
    """Whether a mix of letters and digits looks drawn by lot: `7f3k9a1x`."""
    digits = sum(map(str.isdigit, part))
    return len(part) >= 6 and digits >= 2 and digits * 4 >= len(part) and part.isalnum()


@lru_cache(maxsize=4096)
def path_template(text: str) -> str:
    """A path with its ids replaced: `/orders/17/items` as `/orders/{id}/items`; what follows a `?` is cut off."""
    return "/".join("{id}" if _is_id(part) else part for part in text.split("?", maxsplit=1)[0].split("/"))


_IN_NAME = re.compile(
    r"(?i)(?<![0-9a-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]*\d[0-9a-f]{15,})(?![0-9a-z])"
)
_INDEX = re.compile(r"(?<![0-9A-Za-z.])\d+(?![0-9A-Za-z])|(?<=[a-z\])}]\.)\d+(?![0-9A-Za-z])")


@lru_cache(maxsize=4096)
def name_template(name: str) -> str:
    """A span's name with what differs from one of its kind to the next taken out, so that populations can be grouped.

    Ids in paths become `{id}` (`GET /u/{id}`), an index becomes `{n}` (`items.{n}.price`). A digit inside a word is
    no index: `S3.GetObject` and `oauth2` stay as they are.
    """
    words = []
    for word in name.split(" "):
        if "://" in word:
            scheme, _, rest = word.partition("://")
            host, slash, path_part = rest.partition("/")
            words.append(f"{scheme}://{host}{path_template(slash + path_part)}")
        elif word.startswith("/"):
            words.append(path_template(word))
        else:
            words.append(_INDEX.sub("{n}", _IN_NAME.sub("{id}", word)) if any(map(str.isdigit, word)) else word)
    return " ".join(words)


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


NO_NAME = "(no name)"
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
    return span.name or NO_NAME


_KEY_VALUE = ("redis", "memcached", "valkey")


def _commands(text: str) -> str | None:
    """`SET ×3`: the commands of a pipeline, one a line, as instrumentations write it; None when it is none."""
    lines = [line.split()[0] for line in text.splitlines() if line.strip()]
    # A script's lines are no commands.
    if len(lines) < 2 or not all(word.isalpha() and word.isupper() for word in lines):
        return None
    counted = [(word, len(list(same))) for word, same in groupby(lines)]
    return ", ".join(word if count == 1 else f"{word} ×{count}" for word, count in counted)


def _db_label(span: Span) -> str:
    summary = first(span, "db.query.summary")
    if summary:
        return str(summary)
    text, system = statement(span), db_system(span)
    known = {(database(span) or "").lower(), (system or "").lower()}
    bare = span.name == NO_NAME or all(
        word in _EMPTY_WORDS or word in known for word in re.split(r"[\W]+", span.name.lower()) if word
    )
    table = first(span, "db.collection.name", "db.sql.table", "db.mongodb.collection")
    if text and system in _KEY_VALUE and (commands := _commands(text)):
        return commands
    if system in _KEY_VALUE and text and {span.name, "?"} >= set(text.split()):
        return span.name
    if text and bare and not (text.startswith("{") and table):
        return f"{system} {statements.head(text)}" if system in _KEY_VALUE else statements.head(text)
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
        return f"{http_method(span) or span.name} {path_template(where)}"
    return full


def one_of_many(host: str) -> str:
    """A host without its number: `shard-7` is one of several that are alike.

    A port stays, services on one machine differ only by it.
    """
    return re.sub(r"-\d+(?=[.:]|$)", "-{n}", host)


@lru_cache(maxsize=4096)
def _call_key(method: str, where: str, address: str) -> tuple[str, str, str]:
    return method, one_of_many(where), path_template(address)


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
    return (span.kind, span.service, name_template(span.name))


# Attributes that differ between two attempts of one request, by a word in their names.
_OF_THE_ATTEMPT = frozenset(
    "status error exception retry retries resend attempt duration elapsed latency time timestamp date thread port size "
    "length count level otel sampler flags internal message".split()
)


@lru_cache(maxsize=4096)
def _tells_apart(key: str) -> bool:
    return not any(word in _OF_THE_ATTEMPT for word in words.words(key))


def same_request(span: Span) -> tuple[str, ...]:
    """Spans with the same key ask for exactly the same thing, values included as far as the trace shows them."""
    if is_db(span):
        return ("db", span.service, statements.tidy(statement(span) or span.name))
    address = url(span)
    # Without an address all that the span says of its request tells it from another one: an id, a key, a queue.
    said = () if address else tuple(sorted(f"{k}={v}" for k, v in span.attributes.items() if _tells_apart(k)))
    return (
        span.kind,
        span.service,
        span.name,
        http_method(span) or "",
        address or "",
        peer(span) or "",
        *said,
    )
