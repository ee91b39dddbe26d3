"""Checkouts whose trace nobody keeps: they have an id, and no page."""

from pathlib import Path

import pytest
import requests

from workshop.shop import checkout, history, recent
from workshop.stack.settings import current
from workshop.traces.model.trace import Trace
from workshop.traces.sources.fetching import NoTraces
from workshop.traces.sources.jaeger import JaegerClient, TraceNotFound

KEPT, LEFT_OUT, LOST = "a" * 32, "b" * 32, "c" * 32


class Answers(requests.Session):
    """A gateway that answers with these headers."""

    def __init__(self, **headers: str) -> None:
        super().__init__()
        self.told = headers

    def post(self, *_: object, **__: object) -> requests.Response:
        """An answer."""
        answer = requests.Response()
        answer.status_code = 201
        answer._content = f'{{"trace_id": "{KEPT}", "status": "confirmed"}}'.encode()
        answer.headers.update(self.told)
        return answer


class Empty(JaegerClient):
    """A Jaeger that has no trace."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9")

    def search(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
        """Nothing."""
        return []

    def get_trace(self, trace_id: str) -> Trace:
        """Nothing either."""
        raise TraceNotFound(f"no trace {trace_id}")

    def wait_for_trace(self, trace_id: str, *_: object, **__: object) -> Trace:
        """However long."""
        raise TraceNotFound(f"no trace {trace_id} after a while")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder of the test's own."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))


def bought(trace_id: str, **more: object) -> None:
    """Remember a checkout."""
    history.append({"kind": "checkout", "trace_id": trace_id, "status": 201, "ms": 1.0, **more})


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("fe", False), ("ff", True)]
)
def test_the_lowest_flag_says_whether_a_trace_is_kept(flags: str, sampled: bool) -> None:
    """The others say something else: the second that the id is random."""
    session = Answers(traceresponse=f"00-{KEPT}-{'1' * 16}-{flags}")
    outcome = checkout.buy(session, current(), [], checkout.GOOD_CARD)
    assert (outcome.trace_id, outcome.sampled) == (KEPT, sampled)


@pytest.mark.parametrize("header", ["", "00", "00-x-y-00", f"00-{KEPT}-{'1' * 16}-zz", f"00-{KEPT}-{'1' * 16}"])
def test_who_does_not_say_it_is_believed(header: str) -> None:
    """Without the header, or with another's, the id of the body is all that is known."""
    outcome = checkout.buy(Answers(traceresponse=header), current(), [], checkout.GOOD_CARD)
    assert (outcome.trace_id, outcome.sampled) == (KEPT, True)


def test_what_was_not_sampled_is_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The id is told, for the logs, in one line of 80 columns."""
    checkout.show(checkout.Outcome(201, 12_345, LEFT_OUT, "confirmed", sampled=False), current())
    told = capsys.readouterr().out
    assert f"not sampled, only logged: {LEFT_OUT}" in told
    assert "http" not in told
    assert len(told.splitlines()) == 1
    assert len(told.rstrip()) <= 80


def test_the_last_checkout_is_the_last_one_that_was_sampled() -> None:
    """Of those before and after a change, too. What an older version noted was."""
    bought(KEPT)
    bought(LEFT_OUT, sampled=False)
    assert [each["trace_id"] for each in history.last(5)] == [KEPT]
    assert recent.last_checkouts(Empty()) == [KEPT]
    assert [each["trace_id"] for each in history.before_and_after()[1]] == [KEPT]
    assert not recent.just_bought(LEFT_OUT)


def test_none_that_was_sampled_is_another_thing_than_none() -> None:
    """Whoever has bought is not told to buy."""
    with pytest.raises(NoTraces, match="no checkout yet"):
        recent.last_checkouts(Empty())
    bought(LEFT_OUT, sampled=False)
    with pytest.raises(NoTraces, match="no checkout was sampled: the gateway's OTEL_TRACES_SAMPLER"):
        recent.last_checkouts(Empty())


def test_whoever_asks_for_one_is_told_why_there_is_none() -> None:
    """A trace that was sampled and is lost is another matter."""
    bought(LEFT_OUT, sampled=False)
    bought(LOST, sampled=True)
    with pytest.raises(TraceNotFound, match="was not sampled"):
        recent.fetch(Empty(), LEFT_OUT)
    with pytest.raises(TraceNotFound, match=f"no trace {LOST} after a while"):
        recent.fetch(Empty(), LOST)
