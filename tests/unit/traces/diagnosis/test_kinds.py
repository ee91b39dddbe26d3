"""What strangers' systems make, one case a kind, each with its right reading; see tests/fixtures/traces/kinds."""

from pathlib import Path
from typing import NamedTuple

import pytest

from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.diagnosis.findings import Diagnosis
from workshop.traces.sources.files import load_file

KINDS = Path(__file__).parents[3] / "fixtures" / "traces" / "kinds"


class Reading(NamedTuple):
    """The problems' rules, worst first (hints in brackets), words that are said, and words that never are."""

    rules: list[str]
    said: list[str]
    never: tuple[str, ...] = ()


READINGS = {
    "answer_late_on_the_way_back.otlp.json": Reading(
        ["waiting"],
        ["waiting for the way back: 1.92 s, 96% of the critical path, lie in web GET export:8080/rows after"],
    ),
    "callee_is_a_sibling.otlp.json": Reading(
        ["own-code", "external-call", "(beside)"],
        [
            "worker tool query_devices spent 30.70 s",
            "worker waited for llm.chat 25.00 s",
            "recorded beside, not below: boss send_message waited 56.00 s for worker on_message",
        ],
    ),
    "client_with_socket_children.otlp.json": Reading(
        ["external-call"], ["external call: shop waited for rates.example 2.96 s"]
    ),
    "database_connect_is_no_statement.otlp.json": Reading(
        ["waiting"], ["opening a connection took 2.30 s (a connect), 96%"], ("slow statement", "EXPLAIN")
    ),
    "error_tag_is_a_text.jaeger.json": Reading(["hidden-error"], ["b call failed: connection refused"]),
    "graphql_resolvers_n_plus_one.otlp.json": Reading(
        ["repeated"], ["the same statement 30 times, one after another (N+1)", "600 ms together, 86%"]
    ),
    "hidden_503_without_error_status.otlp.json": Reading(
        ["hidden-error"], ["a GET /x answered 200, but b GET /stock failed: answered 503"]
    ),
    "idle_poll_as_root.otlp.json": Reading(
        ["(idle)"], ["healthy: ", "idle: ledger orders receive asked for messages, and there were none, for 30.00 s"]
    ),
    "lambda_cold_start.otlp.json": Reading(
        ["waiting"],
        ["cold start: gw Lambda.Invoke waited 2.90 s while resize was being started"],
        ("every worker of",),
    ),
    "loop_with_one_failure_is_no_retry.otlp.json": Reading(
        ["repeated", "hidden-error"], ["the same call 12 times", "a GetDriver failed"], ("tried",)
    ),
    "orphan_called_by_its_own_child.otlp.json": Reading(
        ["orphans"], ["above proxy ingress a span is missing"], ("between", "behind it")
    ),
    "orphan_inside_the_gap.otlp.json": Reading(
        ["own-code", "orphans"],
        [
            "between front GET /checkout and pay process payment a span is missing",
            "400 ms of the critical path lie behind it",
            "pay process payment spent 400 ms",
        ],
        ("the time is in front",),
    ),
    "own_code_spread_over_siblings.otlp.json": Reading(
        ["own-code"], ["the time is in thumbs itself: 6 × resize image, one after another, took 5.85 s"]
    ),
    "queue_spread_over_four_calls.otlp.json": Reading(
        ["waiting"], ["waiting in front of rates: front rates.Rates/Convert had been sent for 7.88 s in 4 calls, 96%"]
    ),
    "render_waiting_list.otlp.json": Reading(
        ["own-code"], ["the time is in a itself: a render waiting list"], ("waiting:",)
    ),
    "retries_below_attempt_spans.otlp.json": Reading(
        ["retries", "external-call", "(timeout)"],
        ["retries: a POST psp/charge was tried 3 times (2 failed, then it worked; first: answered 504), 2.12 s"],
        ("hidden error", "in 3 calls"),
    ),
    "root_never_ended.otlp.json": Reading(
        ["slow-statement", "never-ended"],
        ["slow statement: shop SELECT a took 250 ms, 96%", "shop GET /x never ended"],
        ("healthy",),
    ),
    "server_began_after_the_timeout.otlp.json": Reading(
        ["own-code", "waiting", "hidden-error", "(timeout)"],
        ["stock GET /2 began 1.25 s after web GET stock/2 had been sent, when web had given up already (1.00 s)",
         "looks like a timeout of 1 s"],
    ),
    "six_different_s3_calls.otlp.json": Reading(
        ["external-call"], ["jobs waited for S3 2.88 s in 6 calls (S3.GetObject and 5 more)"], ("N+1", "{id}")
    ),
    "slow_redis_has_no_explain.otlp.json": Reading(
        ["slow-statement"], ["HGETALL took 880 ms", "SLOWLOG"], ("EXPLAIN", "plan:")
    ),
    "two_orphans_the_shorter_is_slow.otlp.json": Reading(
        ["own-code", "slow-statement", "orphans"],
        ["fraud SELECT fraud_history took 600 ms, 46%", "above fraud fraud check a span is missing", "2 orphans"],
    ),
    "two_steps_overlap_100us.otlp.json": Reading(["own-code"], ["api load rows spent 700 ms"], ("dark time",)),
    "base64_ids_zero_parent.tempo.json": Reading(["slow-statement"], ["shop SELECT a took 250 ms, 83%"], ("broken",)),
    "exporter_file_with_all_signals.otlp.jsonl": Reading(["slow-statement"], ["shop SELECT a took 250 ms, 83%"]),
    "ids_that_are_words.jaeger.json": Reading(["slow-statement"], ["s SELECT a took 850 ms, 94%"]),
    "name_is_null.otlp.json": Reading(["slow-statement"], ["took 250 ms, 83%"]),
    "work_after_a_short_root.otlp.json": Reading(
        ["hidden-error", "own-code", "(late-work)"],
        ["bank send confirmation failed 3.48 s after the answer", "work went on for 3.48 s"],
    ),
}  # fmt: skip


POPULATION = "population_of_raw_paths.otlp.jsonl"


def rules(diagnosis: Diagnosis) -> list[str]:
    """The rules that found something, hints in brackets."""
    return [f.rule if f.severity == "problem" else f"({f.rule})" for f in diagnosis.findings]


@pytest.mark.parametrize("name", READINGS)
def test_a_kind_is_read_right(name: str) -> None:
    """Each case gets the findings that it was made for, in their words, and none of the wrong ones."""
    reading = READINGS[name]
    (read,) = load_file(KINDS / name)
    found = diagnose(read)
    assert rules(found) == reading.rules
    text = "\n".join([found.verdict, *(f"{f.title} {f.advice}" for f in found.findings)])
    for words in reading.said:
        assert words in text
    for words in reading.never:
        assert words not in text


@pytest.mark.parametrize("name", READINGS)
def test_no_share_is_more_than_all(name: str) -> None:
    """In whatever is told of a case, a part is never more than the whole."""
    (read,) = load_file(KINDS / name)
    for finding in diagnose(read).findings:
        assert 0 <= finding.share <= 1
        assert all(0 <= each.share <= 1 for each in finding.evidence)


def test_raw_paths_are_one_population() -> None:
    """Four traces of one route, whose library put the path into the root's name."""
    found = diagnose_many(load_file(KINDS / POPULATION))
    assert (found.traces, found.root) == (4, "api GET /u/{id}")
    assert rules(found) == ["slow-statement"] and "(in 4 of 4 traces)" in found.verdict


def test_every_kind_has_its_reading() -> None:
    """No case is left out."""
    assert {*READINGS, POPULATION} == {file.name for file in KINDS.iterdir()}
