"""Query parameters: durations and times as Go writes them, and the searches that v3 and the old API ask for."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from services.jaeger.store.search import Query
from services.jaeger.web import Request

UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
DURATION = re.compile(r"([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
TERM = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
DEFAULT_LIMIT = 100
TWO_DAYS = 2 * 24 * 3600 * 10**9  # ns: how far back the old search looks when it is not told
TRACE_ID = re.compile(r"[0-9a-fA-F]{1,32}")


class BadParameter(ValueError):
    """A query parameter cannot be used; the message names it and says why."""


def duration(value: str) -> int:
    """ns of a duration such as 1.5s, 100ms or 1h15m; ValueError when it is none."""
    match = DURATION.fullmatch(value)
    if value == "0" or len(value) > 100 or not match:
        if value == "0":
            return 0
        raise ValueError(f"invalid duration {value[:100]!r}")
    total = sum(Decimal(number) * UNITS[unit] for number, unit in TERM.findall(match[2]))
    return int(-total if match[1] == "-" else total)


def rfc3339(value: str) -> int:
    """ns since the epoch of a time such as 2026-11-23T12:00:00.5Z; ValueError when it is none."""
    match = RFC3339.fullmatch(value)
    if not match:
        raise ValueError(f"{value[:100]!r} is not a time like 2006-01-02T15:04:05Z")
    day, clock, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}{zone.upper().replace('Z', '+00:00')}")
    return int(moment.timestamp()) * 10**9 + int((fraction or "0").ljust(9, "0"))


def whole(value: str) -> int:
    """A whole number; ValueError when it is none or does not fit in 64 bits."""
    if not re.fullmatch(r"[+-]?\d{1,19}", value, re.ASCII) or abs(int(value)) >= 2**63:
        raise ValueError(f"{value[:100]!r} is not a whole number")
    return int(value)


def trace_id(value: str) -> bytes:
    """The 16 bytes of a trace id of up to 32 hexadecimal digits, in either case."""
    if not TRACE_ID.fullmatch(value):
        raise BadParameter("invalid length for TraceID" if len(value) > 32 else f"invalid TraceID {value[:100]!r}")
    return bytes.fromhex(value.rjust(32, "0"))


def v3_query(request: Request, max_depth: int) -> Query:
    """The search of `/api/v3/traces` and `/api/v3/trace-summaries`."""

    def get(name: str, old_name: str, parse: Callable[[str], int], default: int) -> int:
        return _parsed(request, parse, default, "malformed parameter {}: {}", f"query.{name}", f"query.{old_name}")

    start = get("startTimeMin", "start_time_min", rfc3339, -1)
    end = get("startTimeMax", "start_time_max", rfc3339, -1)
    depth = get("searchDepth", "search_depth", whole, 0) or get("searchDepth", "num_traces", whole, DEFAULT_LIMIT)
    longest = get("durationMax", "duration_max", duration, 0)
    shortest = get("durationMin", "duration_min", duration, 0)
    attributes = _string_map(request.param("query.attributes"), "malformed parameter query.attributes: {}")
    if not (
        request.param("query.startTimeMin", "query.start_time_min")
        and request.param("query.startTimeMax", "query.start_time_max")
    ):
        raise BadParameter("query.startTimeMin and query.startTimeMax are required")
    if start >= end:
        raise BadParameter("query.startTimeMin must be before query.startTimeMax")
    if depth <= 0:
        raise BadParameter("search depth must be greater than 0")
    return Query(
        request.param("query.serviceName", "query.service_name"),
        request.param("query.operationName", "query.operation_name"),
        start,
        end,
        shortest,
        longest,
        attributes,
        min(depth, max_depth),
    )


def old_query(request: Request, max_depth: int) -> Query:
    """The search of `/api/traces`."""

    def get(name: str, parse: Callable[[str], int], default: int) -> int:
        return _parsed(request, parse, default, "unable to parse param '{}': {}", name)

    now = time.time_ns()
    start = get("start", whole, (now - TWO_DAYS) // 1000) * 1000
    end = get("end", whole, now // 1000) * 1000
    limit = get("limit", whole, DEFAULT_LIMIT)
    shortest, longest = get("minDuration", duration, 0), get("maxDuration", duration, 0)
    attributes = {}
    for tag in request.query.get("tag", ()):
        key, colon, value = tag.partition(":")
        if not colon:
            raise BadParameter(f"malformed 'tag' parameter, expecting key:value, received: {tag[:100]}")
        attributes[key] = value
    for tags in request.query.get("tags", ()):
        attributes |= _string_map(tags, "malformed 'tags' parameter, cannot unmarshal JSON: {}")
    service = request.param("service")
    if not service:
        raise BadParameter("parameter 'service' is required")
    if limit <= 0:
        raise BadParameter("invalid parameter: limit must be greater than 0")
    if start > end:
        raise BadParameter("invalid parameter: start time must be before end time")
    if shortest and longest and longest < shortest:
        raise BadParameter("'maxDuration' should be greater than 'minDuration'")
    return Query(service, request.param("operation"), start, end, shortest, longest, attributes, min(limit, max_depth))


def dependencies_window(request: Request) -> tuple[int, int]:
    """Start and end, in ns since the epoch, of `/api/dependencies`."""

    def get(name: str, default: int) -> int:
        return _parsed(request, whole, default, "unable to parse param '{}': {}", name) * 10**6

    end = get("endTs", time.time_ns() // 10**6)
    return end - get("lookback", 24 * 3600 * 1000), end


def _parsed(request: Request, parse: Callable[[str], int], default: int, problem: str, *names: str) -> int:
    value = request.param(*names)
    if not value:
        return default
    try:
        return parse(value)
    except ValueError as error:
        raise BadParameter(problem.format(names[0], error)) from None


def _string_map(value: str, problem: str) -> dict[str, str]:
    """A JSON object whose values are all strings; nothing is an empty one."""
    if not value:
        return {}
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise BadParameter(problem.format(error)) from None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(item, str) for item in found.values()):
        raise BadParameter(problem.format("an object of strings was expected"))
    return found
