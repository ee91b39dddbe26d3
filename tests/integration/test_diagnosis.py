"""The diagnosis on our own stack: twenty fresh traces of each state, and each of them told right.

Nothing in workshop/traces knows this shop: what it says here comes from the spans, and from PostgreSQL's plan.
"""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.diagnosis.findings import Diagnosis
from workshop.traces.model.trace import Trace
from workshop.traces.sources import explain, fetching

from .conftest import Stack
from .shape import is_whole

TIMES = 20
SCAN = ("inventory", "SELECT stock_movement")


def fresh(stack: Stack, clients: int = 1, products: int = 5000) -> list[Trace]:
    """The traces of twenty checkouts of three random products, made just now."""

    def buy(_: int) -> str:
        numbers = random.sample(range(1, products + 1), 3)
        answer = stack.checkout(*[(f"SKU-{number:05d}", 1) for number in numbers])
        assert answer.status_code == 201, answer.text
        return str(answer.json()["trace_id"])

    with ThreadPoolExecutor(clients) as pool:
        trace_ids = list(pool.map(buy, range(TIMES)))
    return [stack.jaeger.wait_for_trace(trace_id, until=is_whole, timeout=10) for trace_id in trace_ids]


def one(stack: Stack, trace: Trace) -> Diagnosis:
    """The diagnosis as `spans diagnose` asks for it: with plans, and with other traces of the same moment."""
    ask = explain.postgres(stack.settings.database_url("postgres", "postgres"))
    return diagnose(trace, explain=ask, related=fetching.related(stack.jaeger, trace))


def many(stack: Stack, traces: list[Trace]) -> Diagnosis:
    """The diagnosis of all of them together."""
    return diagnose_many(traces, explain=explain.postgres(stack.settings.database_url("postgres", "postgres")))


def told(diagnosis: Diagnosis) -> list[tuple[str, str, str]]:
    """Each problem's rule, and the service and name of the span that proves it."""
    return [(each.rule, each.evidence[0].service, each.evidence[0].name) for each in diagnosis.problems]


def no_problem_in(diagnoses: list[Diagnosis]) -> None:
    """Fails with what was found where nothing is wrong."""
    assert [each.verdict for each in diagnoses if not each.healthy] == []


@pytest.fixture(scope="module")
def slow_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose provider takes 900 ms, and whose ledger is too short for its missing index to matter."""
    state = tmp_path_factory.mktemp("slow provider")
    chosen = Stack(state, provider_latency_ms=900, seed_movements=20_000, seed_products=200)
    with chosen.running():
        yield chosen


@pytest.fixture(scope="module")
def slow(stack: Stack) -> list[Trace]:
    """Traces without the index."""
    return fresh(stack)


def test_a_missing_index_is_named(stack: Stack, slow: list[Trace]) -> None:
    """Twenty of twenty: the statement, the scan, and the index, which comes from the plan; and nothing else."""
    for diagnosis in (*(one(stack, trace) for trace in slow), many(stack, slow)):
        assert told(diagnosis) == [("slow-statement", *SCAN)], diagnosis.verdict
        assert "an index on (sku) is missing" in diagnosis.verdict
        assert diagnosis.problems[0].advice == "create index on stock_movement (sku)"
        assert (diagnosis.leg.service, diagnosis.leg.name) == SCAN
    printed = " ".join(stack.must("diagnose", slow[-1].trace_id).split())
    assert "rows of stock_movement to find" in printed
    assert "an index on (sku) is missing" in printed


def test_without_the_database_the_statement_is_still_named(slow: list[Trace]) -> None:
    """No plan, so no index is claimed: the advice is to ask for the plan."""
    nobody = explain.postgres("postgresql://nobody@127.0.0.1:1/nothing")
    diagnosis = diagnose(slow[-1], explain=nobody)
    assert told(diagnosis) == [("slow-statement", *SCAN)]
    assert "index" not in diagnosis.verdict
    assert "EXPLAIN" in diagnosis.problems[0].advice


def test_the_plan_comes_from_the_server(stack: Stack, slow: list[Trace]) -> None:
    """The statement of a span, with the span's placeholders, is planned and not run."""
    (span,) = [span for span in slow[-1].spans if (span.service, span.name) == SCAN]
    ask = explain.postgres(stack.settings.database_url("postgres", "postgres"))
    document = ask(str(span.attributes["db.query.text"]), str(span.attributes["db.namespace"]))
    assert "stock_movement" in repr(document)
    assert "Actual Total Time" not in repr(document)
    assert ask("SELECT 1; DROP TABLE stock_movement", "inventory") is None
    assert ask("SELECT * FROM a_table_of_someone_else", "inventory") is None


def test_with_the_index_it_is_healthy(fixed: Stack) -> None:
    """Twenty of twenty right after the fix: nothing wrong, and the provider is the longest leg."""
    traces = fresh(fixed)
    diagnoses = [one(fixed, trace) for trace in traces]
    no_problem_in([*diagnoses, many(fixed, traces)])
    assert {(each.leg.service, each.leg.name.split()[0]) for each in diagnoses} == {("payment", "POST")}
    assert "healthy: the longest leg is payment POST" in fixed.must("diagnose", traces[-1].trace_id)


def test_a_healthy_system_with_several_customers_is_healthy(fixed: Stack) -> None:
    """Twenty of twenty, two customers at a time: waiting a little for one another is no fault."""
    fresh(fixed)  # what follows a change of the index is another test's
    traces = fresh(fixed, clients=2)
    no_problem_in([*(one(fixed, trace) for trace in traces), many(fixed, traces)])


def test_a_slow_provider_is_named(slow_provider: Stack) -> None:
    """Twenty of twenty: the call to the provider, not the services that wait for it."""
    traces = fresh(slow_provider, clients=4, products=200)
    for diagnosis in (*(one(slow_provider, trace) for trace in traces), many(slow_provider, traces)):
        assert [rule for rule, _, _ in told(diagnosis)] == ["external-call"], diagnosis.verdict
        assert "payment waited for" in diagnosis.verdict
        assert diagnosis.problems[0].ms > 500
    printed = slow_provider.must("diagnose", traces[-1].trace_id)
    assert "external call: payment waited for" in printed


def failed(stack: Stack, trace_id: str, spans: int) -> Trace:
    """A failed checkout's trace, whole: of so many spans, and those of a lookup that found nothing."""
    return stack.jaeger.wait_for_trace(trace_id, until=lambda trace: is_whole(trace, spans), timeout=10)


@pytest.mark.parametrize(
    ("card", "spans", "began", "words"),
    [
        ("4000000000000002", 18, "answered 402; it began in payment POST", "the card was declined"),
        ("4000000000000119", 23, "answered 502; it began in payment POST", "the payment provider failed 3 times"),
    ],
    ids=["declined card", "failing provider"],
)
def test_where_an_error_began_is_named(fixed: Stack, card: str, spans: int, began: str, words: str) -> None:
    """It is the payment's call to the provider, wherever else the failure was passed on."""
    for _ in range(3):
        trace = failed(fixed, fixed.checkout(card=card).json()["trace_id"], spans)
        first = one(fixed, trace).problems[0]
        assert first.rule == "error"
        assert began in first.title
        assert words in first.title
        origin = trace.by_id[first.evidence[0].span_id]
        assert (origin.service, origin.kind) == ("payment", "client")
        assert trace.children(origin) == []
    assert began in " ".join(fixed.must("diagnose", trace.trace_id).split())


def test_retries_are_named_beside_the_failure(fixed: Stack) -> None:
    """The three attempts at the provider are a finding of their own."""
    trace = failed(fixed, fixed.checkout(card="4000000000000119").json()["trace_id"], 23)
    (retries,) = [each for each in one(fixed, trace).problems if each.rule == "retries"]
    assert "was tried 3 times (all failed; first: answered 500)" in retries.title


def test_a_product_that_is_not_there_is_the_inventorys_answer(fixed: Stack) -> None:
    """The 422 began where the catalogue is, and it says what is missing."""
    trace = fixed.trace(fixed.checkout(("NO-SUCH-THING", 1)).json()["trace_id"], 13)
    first = one(fixed, trace).problems[0]
    assert "answered 422; it began in inventory POST /reservations" in first.title
    assert "there is no product NO-SUCH-THING" in first.title
