"""The diagnosis: other people's traces, our own story, and what must not be found."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.unit.traces.time.test_critical_path import trees
from tests.unit.traces.trace_shapes import SUM, Node, call, checkout, exception, server, span, sql, trace
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.diagnosis.findings import Diagnosis, Limits
from workshop.traces.model.trace import Trace
from workshop.traces.sources.files import load_file

FOREIGN = Path(__file__).parents[3] / "fixtures" / "traces"

# File, the rules that speak (hints in brackets), and words of the verdict.
EXPECTED = [
    ("dotnet_external_call.jaeger", ["external-call"], "Billing waited for api.stripe.com 1.24 s"),
    (
        "go_callee_killed.otlp",
        ["broken-off", "error", "own-code"],
        "resize's span of it never came, S3.GetObject and 1",
    ),
    ("go_clock_skew.otlp", [], "healthy: the longest leg is back /items, 42 ms"),
    ("go_error_far_down.otlp", ["error", "slow-statement"], "answered 502; it began in ledger UPDATE account"),
    ("go_fan_out.otlp", [], "healthy: the longest leg is shard GET /q"),
    ("go_grpc_one_after_another.otlp", ["(sequential)"], "healthy: the longest leg is prices shop.Prices/ListPrices"),
    ("grafana_data_frame.grafana", ["slow-statement", "hidden-error"], "reports SELECT ledger took 2.31 s, 93%"),
    ("java_hibernate_n_plus_one.jaeger", ["repeated"], "the same statement 40 times, one after another (N+1)"),
    ("java_kafka_consumer_later.otlp", [], "healthy: the longest leg is shop POST /orders"),
    (
        "java_proxy_without_spans.jaeger",
        ["orphans"],
        "between shop POST edge-proxy/payments and payments POST /payments",
    ),
    ("node_mongodb_slow_statement.jaeger", ["slow-statement"], "slow statement: catalog find products took 610 ms"),
    ("node_pool_too_small.jaeger", ["waiting", "(noise)"], "waiting: api pg-pool.connect took 470 ms"),
    ("node_retries.otlp", ["retries"], "tried 3 times (2 failed, then it worked; first: answered 503), 510 ms"),
    ("opentracing_follows_from.jaeger", [], "healthy: the longest leg is mail"),
    ("php_own_code.otlp", ["own-code"], "the time is in wordpress itself"),
    ("python_cache_miss_404.otlp", ["(hidden-error)"], "healthy: the longest leg is images resize"),
    ("python_hidden_error.otlp", ["hidden-error"], "answered 200, but recommendations redis GET suggestions:? failed"),
    ("ruby_dark_time.otlp", ["waiting"], "dark time: rails OrdersController#create recorded nothing for 905 ms"),
    ("rust_server_queue.otlp", ["waiting"], "waiting in front of feed"),
    ("zipkin_shared_ids.jaeger", [], "healthy: the longest leg is backend select now()"),
]


def rules(diagnosis: Diagnosis) -> list[str]:
    """The rules that found something, hints in brackets."""
    return [f.rule if f.severity == "problem" else f"({f.rule})" for f in diagnosis.findings]


@pytest.mark.parametrize(("name", "expected", "verdict"), EXPECTED, ids=[row[0].split(".")[0] for row in EXPECTED])
def test_a_foreign_trace(name: str, expected: list[str], verdict: str) -> None:
    """Other languages and old conventions get the diagnosis that their file was written for."""
    (read,) = load_file(FOREIGN / f"{name}.json")
    found = diagnose(read)
    assert rules(found) == expected
    assert verdict in found.verdict
    assert found.healthy == (not [rule for rule in expected if "(" not in rule])


def test_every_foreign_trace_has_its_expectation() -> None:
    """No file is left out."""
    assert {row[0] + ".json" for row in EXPECTED} == {file.name for file in FOREIGN.glob("*.json")}


def test_the_missing_index() -> None:
    """The story: the ledger's statement, with its share of the critical path."""
    found = diagnose(checkout(sum_ms=812))
    assert rules(found) == ["slow-statement"]
    assert found.verdict.startswith(f"slow statement: inventory {SUM[:40]}")
    assert "812 ms" in found.verdict and "of the critical path" in found.verdict
    assert found.problems[0].evidence[0].service == "inventory"


def test_the_plan_names_the_missing_index() -> None:
    """With a plan the sentence has the rows, the table and the column, all from the plan."""
    asked = []

    def explain(statement: str, database: str | None) -> object:
        asked.append((statement, database))
        scan = {
            "Node Type": "Seq Scan",
            "Relation Name": "stock_movement",
            "Filter": "(sku = ANY ('{SKU-1,SKU-2}'::text[]))",
            "Actual Rows": 1800,
            "Actual Loops": 1,
            "Rows Removed by Filter": 2_998_200,
            "Actual Total Time": 790.0,
        }
        return [{"Plan": {"Node Type": "Aggregate", "Actual Total Time": 800.0, "Actual Loops": 1, "Plans": [scan]}}]

    found = diagnose(checkout(sum_ms=812), explain=explain)
    assert asked == [(SUM, "inventory")]
    assert found.verdict.endswith(
        "sequential scan over 3,000,000 rows of stock_movement to find 1,800: an index on (sku) is missing"
    )
    assert found.problems[0].advice == "create index on stock_movement (sku)"


def test_an_index_that_was_made_since_is_told() -> None:
    """The plan is asked for when the trace is read, and may be better by then."""
    scan = {"Node Type": "Index Scan", "Relation Name": "stock_movement", "Index Name": "stock_movement_sku_idx"}
    found = diagnose(checkout(sum_ms=812), explain=lambda statement, database: [{"Plan": scan}])
    assert found.problems[0].advice.startswith("the plan as it is now misses no index: if a new trace is as slow")
    assert found.problems[0].details[-1].startswith("plan now: Index Scan")


def test_the_slow_provider() -> None:
    """The time at the payment provider is named as an external call."""
    found = diagnose(checkout(provider_ms=700))
    assert rules(found) == ["external-call"]
    assert "payment waited for 127.0.0.1:8084 700 ms (POST 127.0.0.1:8084/v1/charges)" in found.verdict


def test_missing_index_and_slow_provider() -> None:
    """Two faults at once are both found, the worse one first; reserve and charge are not told to overlap."""
    assert rules(diagnose(checkout(sum_ms=500, provider_ms=700))) == ["external-call", "slow-statement"]


def test_healthy_checkouts_are_healthy() -> None:
    """Two hundred with the spread that the provider and a busy machine have."""
    rng = random.Random(1)
    for _ in range(200):
        made = checkout(
            sum_ms=rng.uniform(0.5, 6), provider_ms=43 * rng.lognormvariate(0, 0.1), jitter=rng.uniform(0, 12)
        )
        found = diagnose(made)
        assert rules(found) == [], found.verdict
        assert found.verdict.startswith("healthy: the longest leg is payment POST 127.0.0.1:8084/v1/charges")


def test_a_declined_card() -> None:
    """The answer's status, and the deepest place that gave it."""
    made = trace(
        server("gateway", "POST /checkout", 0, 60, call("gateway", "POST http://order/orders", 1, 58, server(
            "order", "POST /orders", 2, 56, span("order", "ProcessOrder", 3, 54, call(
                "order", "POST http://payment/charges", 5, 48, server(
                    "payment", "POST /charges", 6, 46,
                    call("payment", "POST http://provider/v1/charges", 7, 43, status=402), status=402),
                status=402), status="error", events=exception("PaymentDeclined", "card declined", 54)),
            status=402), status=402), status=402)
    )  # fmt: skip
    found = diagnose(made)
    assert rules(found) == ["error"]
    assert "gateway POST /checkout answered 402; it began in payment POST provider/v1/charges" in found.verdict
    assert found.verdict.endswith("answered 402; card declined")


def test_a_refused_request_is_a_hint() -> None:
    """A 422 of the first service, without any span that failed, is told and nobody is blamed; a 503 is a problem."""
    found = diagnose(trace(server("gateway", "POST /checkout", 0, 2, status=422)))
    assert rules(found) == ["(error)"]
    assert found.findings[0].title == "error: gateway POST /checkout answered 422"
    assert rules(diagnose(trace(server("gateway", "POST /checkout", 0, 2, status=503)))) == ["error"]


def test_a_busy_machine_is_no_fault() -> None:
    """Half of a quick trace spent waiting for the processor, or for a provider, is nothing that anyone would notice."""
    late = server("gateway", "POST /checkout", 0, 150, call("gateway", "POST http://order/orders", 75, 70))
    assert rules(diagnose(trace(late))) == []
    assert rules(diagnose(checkout(provider_ms=110))) == []


def test_an_error_that_a_2xx_hid() -> None:
    """A 500 deep down under a 200 is a problem, though nobody outside saw it."""
    made = trace(server("web", "GET /", 0, 30, call("web", "GET http://ads/banner", 2, 20, server(
        "ads", "GET /banner", 3, 18, status=500, attributes={"error.type": "KeyError"}), status=500)))  # fmt: skip
    found = diagnose(made)
    assert rules(found) == ["hidden-error"]
    assert "web GET / answered 200, but ads GET /banner failed" in found.verdict


def test_retries_that_worked_are_no_hidden_error() -> None:
    """The failed attempts are one finding, the retry's, with what they cost."""
    made = trace(server("web", "GET /", 0, 400, *[
        call("web", "GET http://api/x", start, 50, status=code)
        for start, code in ((2, 503), (150, 503), (340, 200))]))  # fmt: skip
    found = diagnose(made)
    assert rules(found) == ["retries"]
    assert found.problems[0].ms == 338


def test_retries_that_all_failed() -> None:
    """Then the retry and the error are both told, the error first."""
    made = trace(server("web", "GET /", 0, 400, *[
        call("web", "GET http://api/x", start, 50, status=503) for start in (2, 150, 340)],
        status=502, attributes={"error.type": "502"}))  # fmt: skip
    assert rules(diagnose(made)) == ["error", "retries"]


@pytest.mark.parametrize(
    "children",
    [
        [call("web", f"GET http://api/x/{n}", 2 + 60 * n, 50, status=404 if n == 0 else 200) for n in range(2)],
        [call("web", f"GET http://api/x/{n}", 2 + 60 * n, 50, status=503 if n == 0 else 200) for n in range(2)],
        [call("web", "GET http://api/x", 2 + n, 50, status=503 if n == 0 else 200) for n in range(2)],
        [
            sql("web", "INSERT INTO t VALUES (%s)", 2 + 9 * n, 5, status="error" if n == 0 else "unset")
            for n in range(2)
        ],
    ],
    ids=["a 404 and another id", "a 503 and another id", "side by side", "a failed insert and another row"],
)
def test_what_is_no_retry(children: list[Node]) -> None:
    """Another request, or one at the same time, is not a second attempt."""
    assert not any("retries" in rule for rule in rules(diagnose(trace(server("web", "GET /", 0, 200, *children)))))


def test_waiting_before_the_first_statement() -> None:
    """A pool that is used up shows as dark time in front of the statement."""
    made = trace(server("order", "POST /orders", 0, 320, sql("order", "INSERT INTO orders VALUES (%s)", 300, 2)))
    found = diagnose(made)
    assert rules(found) == ["waiting"]
    assert "recorded nothing for 300 ms" in found.verdict and "a connection from the pool" in found.problems[0].advice


def test_a_corrected_clock_is_no_evidence_for_waiting() -> None:
    """Where the callee stands in the call is then a guess, and a guess is no finding."""
    made = trace(call("a", "GET http://b/", 0, 900, server("b", "GET /", 5000, 100)))
    assert rules(diagnose(made)) == []


def test_a_lost_header_is_found_in_the_other_trace() -> None:
    """The callee answered in a trace of its own: method, path and time fit exactly one call."""
    made = trace(server("gateway", "POST /checkout", 0, 200, call("gateway", "POST http://order/orders", 1, 190)))
    callee = trace(server("order", "POST /orders", 5, 180), trace_id="b" * 32)
    bystander = trace(server("order", "GET /orders", 6, 20), trace_id="c" * 32)
    found = diagnose(made, related=[bystander, callee])
    assert rules(found) == ["lost-context"]
    assert "b" * 32 in found.verdict and "traceparent" in found.problems[0].advice
    assert rules(diagnose(made, related=[bystander])) == ["external-call"]


def test_an_orphan_without_a_caller() -> None:
    """The edge is named as far as the trace shows it."""
    made = trace(server("payment", "POST /charges", 0, 50, parent_id="000000000000dead"))
    assert rules(diagnose(made)) == ["orphans"]
    assert "above payment POST /charges a span is missing" in diagnose(made).verdict


def test_an_orphan_between_two_possible_calls_blames_neither() -> None:
    """Where two calls could have been answered, the edge stays open."""
    calls = [call("web", "GET http://api/x", 1 + n, 90) for n in range(2)]
    made = trace(server("web", "GET /", 0, 100, *calls), server("api", "GET /x", 5, 50, parent_id="000000000000dead"))
    assert "above api GET /x" in diagnose(made).verdict


@pytest.mark.parametrize("count", [4, 5, 60])
def test_the_same_statement_many_times(count: int) -> None:
    """From five on, and only if together they matter."""
    made = trace(server("s", "GET /", 0, 15 * count + 5, *[
        sql("s", f"SELECT name FROM item WHERE id = {n}", 1 + 15 * n, 14) for n in range(count)]))  # fmt: skip
    assert rules(diagnose(made)) == (["repeated"] if count >= 5 else [])


def test_repeats_behind_a_wrapper() -> None:
    """An ORM's own span around each statement hides nothing."""
    made = trace(server("s", "GET /", 0, 300, *[
        span("s", "Repository.findById", 1 + 10 * n, 9, sql("s", "SELECT name FROM item WHERE id = ?", 2 + 10 * n, 7))
        for n in range(25)]))  # fmt: skip
    found = diagnose(made)
    assert rules(found) == ["repeated"]
    assert "the same statement 25 times" in found.verdict and "SELECT name FROM item" in found.verdict


def test_repeated_calls_with_other_ids() -> None:
    """N+1 over HTTP: the same address but for the id."""
    made = trace(server("s", "GET /", 0, 300, *[
        call("s", f"GET http://items:81/items/{n}", 1 + 10 * n, 9) for n in range(25)]))  # fmt: skip
    found = diagnose(made)
    assert found.problems[0].rule == "repeated" and "the same call 25 times" in found.verdict


def test_writes_in_a_row_are_not_told_to_overlap() -> None:
    """Reserve, then charge: the order of writes may be meant."""
    made = trace(
        server("s", "POST /", 0, 190, call("s", "POST http://a/x", 1, 90), call("s", "POST http://b/y", 92, 95))
    )
    assert rules(diagnose(made)) == []


def test_a_slow_statement_that_locks_may_have_waited() -> None:
    """FOR UPDATE: the advice says that the time can be someone else's lock."""
    made = trace(server("s", "POST /", 0, 400, sql("s", "SELECT 1 FROM product WHERE sku = %s FOR UPDATE", 2, 390)))
    assert "another transaction" in diagnose(made).problems[0].advice


def test_own_code() -> None:
    """A handler that computes has nobody else to blame."""
    found = diagnose(trace(server("s", "GET /report", 0, 900, sql("s", "SELECT 1", 2, 5))))
    assert rules(found) == ["own-code"]


def test_own_time_is_told_with_what_was_recorded_in_it() -> None:
    """An exception that was caught while it waited says for what; one from a child's time does not."""
    waited = [
        *exception("OSError", "while it wrote", 3),
        *exception("pool.PoolTimeout", "no connection after 3 s", 500),
    ]
    writes = [sql("s", f"INSERT INTO a VALUES ({at})", at, 5) for at in (2, 220, 440, 660, 890)]
    work = span("s", "work", 0, 900, *writes, events=waited)
    problems = diagnose(trace(server("s", "GET /report", 0, 900, work))).problems
    (found,) = [each for each in problems if each.rule == "own-code"]
    assert found.details == ["event at 500 ms: pool.PoolTimeout: no connection after 3 s"]
    assert len(found.evidence) == 1


def test_limits_can_be_set() -> None:
    """What counts as slow is the reader's to say."""
    assert rules(diagnose(checkout(), limits=Limits(slow_ms=40, whole_ms=50))) == ["external-call"]


def test_a_name_cannot_steer_the_terminal() -> None:
    """Escape sequences from a trace are not passed on."""
    made = trace(server("s\x1b[31m", "GET /\x1b]0;owned\x07", 0, 900))
    assert "\x1b" not in diagnose(made).verdict and "\x07" not in str(diagnose(made).as_json())


def test_a_population_with_one_bad_day() -> None:
    """What one of twenty has is a hint; what most have is the verdict, with the number of traces."""
    healthy = [checkout(provider_ms=40 + n, trace_id=f"{n:032x}") for n in range(1, 20)]
    found = diagnose_many([*healthy, checkout(sum_ms=300, trace_id="f" * 32)])
    assert found.healthy and found.traces == 20 and rules(found) == ["(slow-statement)"]
    assert "(in 1 of 20 traces)" in found.findings[0].title
    assert found.verdict == (
        "healthy: the longest leg is payment POST 127.0.0.1:8084/v1/charges, 50 ms, 63% of the critical path"
    )


def test_a_slow_population() -> None:
    """The median speaks; each plan is asked for once."""
    plans = []
    slow = [checkout(sum_ms=200 + 10 * n, trace_id=f"{n:032x}") for n in range(1, 12)]
    found = diagnose_many(slow, explain=lambda statement, _: plans.append(statement))
    assert rules(found) == ["slow-statement"] and found.problems[0].ms == 260
    assert "(in 11 of 11 traces)" in found.verdict and len(plans) == 1


def test_an_error_in_few_traces_stays_a_problem() -> None:
    """One failed request in five is worth knowing whatever the others do."""
    bad: Trace = trace(server("gateway", "POST /checkout", 0, 30, status=500, attributes={"error.type": "500"}))
    bad.root.status = "error"
    found = diagnose_many([bad, *[checkout(trace_id=f"{n:032x}") for n in range(1, 5)]])
    assert rules(found) == ["error"] and "(in 1 of 5 traces)" in found.verdict


def test_no_traces_are_an_error() -> None:
    """A population of nobody has no diagnosis."""
    with pytest.raises(ValueError, match="no traces"):
        diagnose_many([])


@given(trees())
@settings(max_examples=200, deadline=None)
def test_any_trace_gets_a_diagnosis(made: Trace) -> None:
    """Whatever the shape: a verdict, evidence for each finding, shares between 0 and 1."""
    found = diagnose(made)
    assert found.verdict and found.as_json()["spans"] == len(made)
    for finding in found.findings:
        assert finding.evidence and 0 <= finding.share <= 1.000001
        assert all(each.span_id in made.by_id for each in finding.evidence)


def test_an_error_that_was_coped_with_is_not_why_it_failed() -> None:
    """After the cache's 404 the work went on; the exception came later, from the handler itself."""
    made = trace(server(
        "web", "GET /", 0, 60,
        call("web", "GET http://cache/x", 2, 5, status=404), span("web", "render", 10, 40),
        status=500, attributes={"error.type": "500"}, events=exception("KeyError", "'price'", 50)))  # fmt: skip
    made.root.status = "error"
    found = diagnose(made)
    assert rules(found) == ["error", "(error)"]
    assert found.verdict == "error: web GET / answered 500: key error: 'price'"


@pytest.mark.parametrize("recorded", [48, 80], ids=["before", "after"])
def test_compensation_does_not_hide_why_it_failed(recorded: int) -> None:
    """Whether the exception was recorded before or after the stock was given back: the charge is the cause."""
    made = trace(server(
        "order", "POST /orders", 0, 90,
        call("order", "POST http://payment/charges", 2, 45, status=402),
        call("order", "POST http://inventory/releases", 50, 20),
        status=402, events=exception("PaymentDeclined", "card declined", recorded)))  # fmt: skip
    made.root.status = "error"
    assert "it began in order POST payment/charges: answered 402" in diagnose(made).verdict


def test_three_failed_attempts_and_the_cleaning_up_after_them() -> None:
    """The provider's 500 is where it began, though the stock was given back before the answer."""
    attempts = [call("payment", "POST http://provider/v1/charges", 8 + 100 * n, 40, status=500) for n in range(3)]
    made = trace(server(
        "order", "POST /orders", 0, 400,
        call("order", "POST http://payment/charges", 5, 300, server(
            "payment", "POST /charges", 6, 298, *attempts, status=502), status=502),
        call("order", "DELETE http://inventory/reservations/1", 310, 20),
        status=502, events=exception("Problem", "the payment provider failed 3 times", 390)))  # fmt: skip
    made.root.status = "error"
    found = diagnose(made)
    assert "order POST /orders answered 502; it began in payment POST provider/v1/charges" in found.verdict
    assert rules(found) == ["error", "retries"]
