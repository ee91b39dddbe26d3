"""What the trace page says in large type."""

from tests.unit.traces.trace_shapes import call, checkout, exception, server, trace
from workshop.console.trace.banners import banners
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.model.trace import Trace


def looks(made: Trace) -> list[tuple[str, str]]:
    """Each banner's look and number."""
    return [(banner.look, banner.number) for banner in banners(made, diagnose(made), "the leg")]


def test_a_server_s_error_comes_first_in_a_person_s_words() -> None:
    """Where it began, with the answer's status, without a class of Python; the longest leg is no alarm beside it."""
    message = "HTTPConnectionPool(host='provider', port=8084): Read timed out. (read timeout=3)"
    late = exception("requests.exceptions.ReadTimeout", message, 900)
    failed = call("payment", "POST http://provider:8084/v1/charges", 10, 900, status=502, events=late)
    made = trace(server("payment", "POST /charges", 0, 950, failed, status=502))
    made.root.status = "error"
    first, second = banners(made, diagnose(made), "POST /v1/charges")
    assert (first.look, first.number, first.where, first.name) == (
        "failed", "502", "error in payment", "POST /v1/charges",
    )  # fmt: skip
    assert first.below == "Read timed out. (read timeout=3)"
    assert first.span_id == made.spans[1].span_id
    assert second.look == "quiet"


def test_a_healthy_trace_looks_healthy() -> None:
    """The provider's 58% of a good checkout is no alarm; the ledger's 92% of a slow one is."""
    assert looks(checkout())[0][0] == "quiet"
    assert looks(checkout(sum_ms=900))[0][0] == "hot"


def test_a_refusal_is_no_server_s_error() -> None:
    """A 422 is the customer's matter: the page does not shout."""
    assert [look for look, _ in looks(trace(server("gateway", "POST /checkout", 0, 5, status=422)))] == ["quiet"]
