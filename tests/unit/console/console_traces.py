"""Traces as OTLP JSON, for the console's tests: checkouts, broken ones, hostile ones, huge ones."""

from typing import Any

# Characters that would end an element, an attribute, a script, a template, or a line.
HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'`{{7*7}}${7*7}\u202e\x1b[31m"


def span(
    trace_id: str, number: int, parent: int, name: str, kind: int, start: int, end: int, **more: Any
) -> dict[str, Any]:
    """A span; `start` and `end` are Unix nanoseconds, `parent` is another one's number, 0 for none."""
    attributes = more.pop("attributes", {})
    return {
        "traceId": trace_id,
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
        **more,
    }


def document(by_service: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """OTLP JSON of some services' spans."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"spans": spans}],
            }
            for service, spans in by_service.items()
        ]
    }


def checkout(trace_id: str, start: int, sql_ms: int, *, failed: bool = False) -> dict[str, Any]:
    """A checkout whose statement takes `sql_ms`; all else takes 60 ms. A failed one is declined by the provider."""
    ms = 1_000_000
    end, sql_end = start + (sql_ms + 60) * ms, start + (sql_ms + 6) * ms
    error = {"status": {"code": 2, "message": "402 the card was declined"}} if failed else {}
    http = {"http.request.method": "POST"}
    return document(
        {
            "gateway": [
                span(trace_id, 1, 0, "POST /checkout", 2, start, end, attributes={**http, "http.route": "/checkout"}),
                span(
                    trace_id, 2, 1, "POST", 3, start + ms, end - ms,
                    attributes={**http, "url.full": "http://order:8081/orders"},
                ),
            ],
            "order": [
                span(trace_id, 3, 2, "POST /orders", 2, start + 2 * ms, end - 2 * ms, **error),
                span(
                    trace_id, 4, 3, "POST", 3, start + 3 * ms, sql_end + 2 * ms,
                    attributes={**http, "url.full": "http://inventory:8082/reservations"},
                ),
            ],
            "inventory": [
                span(trace_id, 5, 4, "POST /reservations", 2, start + 4 * ms, sql_end + ms),
                span(
                    trace_id, 6, 5, "SELECT", 3, sql_end - sql_ms * ms, sql_end,
                    attributes={
                        "db.system.name": "postgresql",
                        "db.namespace": "inventory",
                        "db.query.text": "SELECT sum(quantity) FROM stock_movement WHERE sku = %s",
                    },
                    events=[{"name": "rows fetched", "timeUnixNano": str(sql_end - ms),
                             "attributes": [{"key": "rows", "value": {"intValue": "3"}}]}],
                    links=[{"traceId": "ab" * 16, "spanId": "cd" * 8}],
                ),
            ],
            "payment": [
                span(
                    trace_id, 7, 3, "POST", 3, sql_end + 3 * ms, end - 5 * ms,
                    attributes={**http, "url.full": "http://provider:8084/v1/charges"},
                    **error,
                ),
            ],
        }
    )  # fmt: skip


def hostile(trace_id: str, start: int) -> dict[str, Any]:
    """A trace that has markup wherever a trace has text."""
    first = span(
        trace_id, 1, 0, HOSTILE, 2, start, start + 50_000_000,
        attributes={HOSTILE: HOSTILE, "db.query.text": HOSTILE, "db.system.name": "x", "url.full": "javascript:x()"},
        events=[
            {
                "name": HOSTILE,
                "timeUnixNano": str(start),
                "attributes": [{"key": HOSTILE, "value": {"stringValue": HOSTILE}}],
            }
        ],
        status={"code": 2, "message": HOSTILE},
    )  # fmt: skip
    return document({HOSTILE: [first], "victim": [span(trace_id, 2, 1, HOSTILE, 3, start, start + 40_000_000)]})


def repeats(trace_id: str, start: int) -> dict[str, Any]:
    """A page that asks for each of 8 rows by a statement of its own, and a mail that is sent long after the answer."""
    ms = 1_000_000
    statement = {"db.system.name": "postgresql", "db.query.text": "SELECT * FROM item WHERE id = %s"}
    rows = [
        span(trace_id, n, 1, "SELECT", 3, start + 10 * n * ms, start + (10 * n + 9) * ms, attributes=statement)
        for n in range(2, 10)
    ]
    page = span(trace_id, 1, 0, "GET /items", 2, start, start + 110 * ms)
    mail = span(trace_id, 10, 1, "send mail", 5, start + 105 * ms, start + 5_000 * ms)
    return document({"shop": [page, *rows], "mailer": [mail]})


def step(number: int) -> str:
    """A name that only one span has: its number in letters, since numbers in a name are taken for ids."""
    return "step " + "".join(chr(ord("a") + int(digit)) for digit in str(number))


def huge(trace_id: str, start: int, spans: int) -> dict[str, Any]:
    """A trace of many spans, in batches of ten below the root, each with a name of its own."""
    ms = 1_000_000
    found = [span(trace_id, 1, 0, "GET /report", 2, start, start + spans * ms)]
    for number in range(2, spans + 1):
        batch = (number - 2) // 10 * 10 + 2
        parent = 1 if number == batch else batch
        end = start + (batch + 9) * ms if number == batch else start + number * ms + ms // 2
        found.append(span(trace_id, number, parent, step(number), 1, start + (number - 1) * ms, end))
    return document({"report": found})
