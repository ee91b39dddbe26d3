"""Every request that a real Jaeger 2.20 answered gets the same answer from the stand-in."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.jaeger.receiving.otlp import ZERO_ID
from tests.unit.jaeger.stand_in import StandIn

CONTRACT = Path(__file__).parents[3] / "contract"
RECORDED = [json.loads(line) for line in (CONTRACT / "jaeger-2.20-answers.jsonl").read_text().splitlines()]


def span_with_ids(trace_id: str, span_id: str, name: str) -> bytes:
    """A request with one span, which has these ids."""
    span = {"traceId": trace_id, "spanId": span_id, "name": name}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


# The bodies that the recording describes in words.
BODIES = {
    "input.otlp.json": (CONTRACT / "input.otlp.json").read_bytes(),
    'gzip of {"resourceSpans":[]}': gzip.compress(b'{"resourceSpans":[]}'),
    "three bytes ff": b"\xff\xff\xff",
    "all-zero ids": span_with_ids("0" * 32, "0" * 16, "zero ids"),
    "bad hex ids": span_with_ids("zz", "01", "bad ids"),
}

ORPHAN = "GET /api/traces/5ca1ab1e00000000000000000000c001"


def warned_once(answer: Any) -> Any:
    """Jaeger warns again each time it reads a stored span; the recording's was read before. Once is enough."""
    for span in answer["data"][0]["spans"]:
        span["warnings"] = list(dict.fromkeys(span["warnings"])) or None
    return answer


# Where the stand-in differs on purpose: how the recorded answer should have been, by request or by what was sent.
BETTER_ANSWERS: dict[str, Callable[[Any], Any]] = {
    ORPHAN: warned_once,
    # Jaeger takes an invalid id without a word; OTLP has a place for a warning.
    "all-zero ids": lambda answer: {"partialSuccess": {"rejectedSpans": "0", "errorMessage": ZERO_ID}},
}
# A search depth that is no count is the client's mistake, so 400; Jaeger's memory storage finds out late, and says 500.
BETTER_STATUS = {500: {"searchDepth=-1": 400}}
# Which of several matching traces a search for one finds depends, in Jaeger, on the order of a Go map: any will do.
ANY_MATCH = ("query.searchDepth=1", "limit=1")


def name_of(recorded: dict[str, Any]) -> str:
    """The test's id: the request without the parts that all of them have, and what its body was."""
    request = recorded["request"].replace("&query.startTimeMin=2026-11-23T00:00:00Z", "")
    request = request.replace("&query.startTimeMax=2026-11-24T00:00:00Z", "").replace("query.", "")
    return " ".join(filter(None, (request, recorded.get("note") or recorded.get("body"))))


@pytest.fixture(scope="module")
def replay(stand_in: StandIn) -> Callable[[dict[str, Any]], Any]:
    """Send a recorded request. The traces are in by then, also when a single test is picked."""
    for note in ("input.otlp.json", "all-zero ids"):
        assert stand_in.export(BODIES[note], "application/json").status_code == 200

    def send(recorded: dict[str, Any]) -> Any:
        method, path = recorded["request"].split(" ", 1)
        receiver = path.startswith("/v1/")
        url = stand_in.otlp_url.removesuffix("/v1/traces") if receiver else stand_in.query_url
        body = BODIES.get(recorded.get("note", ""), recorded.get("body", "").encode())
        return stand_in.session.request(method, url + path, headers=recorded.get("headers"), data=body, timeout=30)

    return send


def without_order(value: Any) -> Any:
    """The same with what has no order (services, operations, summaries, spans, links) sorted."""
    if isinstance(value, dict):
        return {key: without_order(item) for key, item in value.items()}
    if isinstance(value, list):
        ordered = [without_order(item) for item in value]
        named = all(isinstance(item, dict) and "key" in item for item in value)
        return ordered if named else sorted(ordered, key=lambda item: json.dumps(item, sort_keys=True))
    return value


def with_processes_inlined(trace: dict[str, Any]) -> dict[str, Any]:
    """A trace whose spans hold their process: p1, p2 are only names, given in the order of the spans."""
    spans = [{**span, "processID": trace["processes"][span["processID"]]} for span in trace["spans"]]
    return {**trace, "spans": spans, "processes": sorted(map(json.dumps, trace["processes"].values()))}


def comparable(answer: Any) -> Any:
    """An answer without order and without the words of its errors."""
    if isinstance(answer, dict) and "message" in answer:
        answer = {**answer, "message": ""}
    if isinstance(answer, dict) and "message" in answer.get("error", {}):
        answer = {"error": {**answer["error"], "message": ""}}
    if isinstance(answer, dict) and answer.get("errors"):
        answer = {**answer, "errors": [{**error, "msg": ""} for error in answer["errors"]]}
    if isinstance(answer, dict) and isinstance(answer.get("data"), list):
        traces = [with_processes_inlined(t) if isinstance(t, dict) and "processes" in t else t for t in answer["data"]]
        answer = {**answer, "data": traces}
    return without_order(answer)


def test_the_recording_is_whole() -> None:
    """All 67 requests are there to be replayed."""
    assert len(RECORDED) == 67


@pytest.mark.parametrize("recorded", RECORDED, ids=name_of)
def test_answers_as_jaeger(recorded: dict[str, Any], replay: Callable[[dict[str, Any]], Any]) -> None:
    """Status, content type and body are those of Jaeger."""
    response = replay(recorded)
    request, expected, status = recorded["request"], recorded["answer"], recorded["status"]
    for part, better in BETTER_STATUS.get(status, {}).items():
        if part in request:
            expected = {"error": {**expected["error"], "httpCode": better}}
            status = better
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == recorded["content_type"]
    if response.headers["Content-Type"] == "application/x-protobuf":
        return
    if isinstance(expected, str):
        assert response.text == expected
        return
    for each in (request, recorded.get("note", "")):
        expected = BETTER_ANSWERS.get(each, lambda answer: answer)(expected)
    if request.endswith(ANY_MATCH) or any(f"{part}&" in request for part in ANY_MATCH):
        expected = a_match_like(response.json(), request, replay)
    assert comparable(response.json()) == comparable(expected)


def a_match_like(answer: Any, request: str, replay: Callable[[dict[str, Any]], Any]) -> Any:
    """What Jaeger would have answered, had its search found the trace that this answer holds."""
    if "summaries" in answer:
        all_of_them = next(r["answer"] for r in RECORDED if r["request"] == request.replace("Depth=1", "Depth=20"))
        return {"summaries": [s for s in all_of_them["summaries"] if s["traceId"] == answer["summaries"][0]["traceId"]]}
    if "result" in answer:
        spans = answer["result"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
        found = spans[0]["traceId"], "GET /api/v3/traces/"
    else:
        found = answer["data"][0]["traceID"], "GET /api/traces/"
    assert found[0] in {f"5ca1ab1e00000000000000000000a00{n}" for n in (1, 2, 3)}
    return next(r["answer"] for r in RECORDED if r["request"] == found[1] + found[0])
