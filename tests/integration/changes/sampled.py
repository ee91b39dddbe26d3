"""Three traces of one span, sent to a collector: which of them are kept. The tests of both runtimes use it."""

import secrets
import time

import requests

from workshop.traces.sources.jaeger import JaegerClient, TraceNotFound


def send(port: int) -> dict[str, str]:
    """Their ids: `quick`, `error` and `slow` (a second)."""
    now = time.time_ns()
    ids = {name: secrets.token_hex(16) for name in ("quick", "error", "slow")}
    spans = [
        {
            "traceId": trace_id,
            "spanId": secrets.token_hex(8),
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(now - (1_000_000_000 if name == "slow" else 1_000_000)),
            "endTimeUnixNano": str(now),
            "status": {"code": 2} if name == "error" else {},
        }
        for name, trace_id in ids.items()
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "stranger-sampled"}}]}
    document = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": spans}]}]}
    answer = requests.post(f"http://127.0.0.1:{port}/v1/traces", json=document, timeout=10)
    assert answer.status_code == 200, answer.text
    return ids


def kept(jaeger: JaegerClient, ids: dict[str, str]) -> set[str]:
    """The names of those that can be asked for."""
    found = set()
    for name, trace_id in ids.items():
        try:
            jaeger.get_trace(trace_id)
        except TraceNotFound:
            continue
        found.add(name)
    return found
