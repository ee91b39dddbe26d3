"""Whether a span failed, where its status does not say so.

Old libraries, proxies and Zipkin's set no status: they leave a 5xx, a gRPC code, an `error` tag whose text is the
error, or an exception event.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_NO_ERROR = frozenset({"", "false", "0", "no", "none", "null", "ok", "unset", "undefined"})

# Codes by which a gRPC server says that the request was at fault, not itself; like HTTP's 4xx.
GRPC_REFUSED = frozenset(
    "1 3 5 6 7 9 10 11 16 CANCELLED INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED FAILED_PRECONDITION "
    "ABORTED OUT_OF_RANGE UNAUTHENTICATED".split()
)
GRPC_KEYS = (
    "rpc.response.status_code", "rpc.grpc.status_code", "grpc.status_code", "grpc.code", "rpc.connect_rpc.error_code"
)  # fmt: skip
# Attributes that only a failed span has, with what went wrong: the conventions', OpenTracing's, Datadog's.
WORDS = (
    "error.type", "exception.message", "error.message", "error.msg", "exception.type", "error.kind", "error"
)  # fmt: skip
_WORDS = frozenset(WORDS)
DATABASE_KEY = "db.response.status_code"
HTTP_KEYS = ("http.response.status_code", "http.status_code")


def without_status(kind: str, attributes: Mapping[str, Any], events: Sequence[Any]) -> bool:
    """Whether a span's attributes or events say that it failed; to be asked when its status is unset."""
    if not attributes and not events:
        return False
    if "error" in attributes and says_error(attributes["error"]):
        return True
    if "otel.status_code" in attributes and str(attributes["otel.status_code"]).upper() == "ERROR":
        return True
    http = number(_first(attributes, HTTP_KEYS))
    if http is not None and http >= 500:
        return True
    if (code := _first(attributes, GRPC_KEYS)) is not None and _grpc_failed(str(code).upper(), kind):
        return True
    if http is not None and 400 <= http < 500 and kind != "client":
        return False  # by the conventions the caller's error, whatever was thrown on the way to the answer
    if DATABASE_KEY in attributes and _database_failed(attributes[DATABASE_KEY]):
        return True
    told = _WORDS.intersection(attributes)
    return any(says_error(attributes[key]) for key in told) or any(map(_escaped, events))


def says_error(value: Any) -> bool:
    """Whether an `error` tag means an error: true, or a text that is the error itself."""
    return value is not None and str(value).strip().lower() not in _NO_ERROR


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    for key in keys:  # no generator: it is asked of every span several times
        if key in attributes and attributes[key] not in (None, ""):
            return attributes[key]
    return None


def number(value: Any) -> int | None:
    """A status code however it was written: 503, "503", 503.0; None where it is no number."""
    try:
        return int(float(value)) if value is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def _database_failed(code: Any) -> bool:
    """Whether a database's code is an error: of HTTP's those from 400 on, of an SQLSTATE all but classes 00 to 02."""
    text = str(code)
    if len(text) == 3 and text.isdecimal():
        return int(text) >= 400
    return says_error(code) and not (len(text) == 5 and text[:2] in ("00", "01", "02"))


def _grpc_failed(code: str, kind: str) -> bool:
    if code in ("0", "OK"):
        return False
    return kind == "client" or code not in GRPC_REFUSED


def _escaped(event: Any) -> bool:
    """Whether the event is an exception that nobody says was caught inside the span."""
    if str(event.attributes.get("exception.escaped", "")).lower() == "false":
        return False
    return event.name in ("exception", "error") or "exception.type" in event.attributes
