"""Which checkout is meant: the last one, the one that was hunted, or the one whose id begins so."""

from pathlib import Path

import pytest

from workshop.shop import history, recent
from workshop.traces.sources.fetching import NoTraces
from workshop.traces.sources.jaeger import JaegerClient


class FakeClient(JaegerClient):
    """A Jaeger that knows no traces."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9")

    def search(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
        """Nothing."""
        return []


@pytest.fixture(autouse=True)
def _made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two checkouts whose ids begin alike."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))
    for trace_id in ("abc1" + "0" * 28, "abc2" + "0" * 28):
        history.append({"kind": "checkout", "trace_id": trace_id, "status": 201, "ms": 1.0})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("abc1", "abc1" + "0" * 28),
        ("ABC2", "abc2" + "0" * 28),
        ("f" * 32, "f" * 32),
        ("f" * 16, "f" * 16),
        ("http://127.0.0.1:16686/trace/" + "f" * 32, "f" * 32),
        ("http://127.0.0.1:8085/trace/abc1/", "abc1" + "0" * 28),
    ],
)
def test_an_id_is_known_by_its_beginning_or_its_page(typed: str, meant: str) -> None:
    """A whole one stands for itself."""
    assert recent.whole_id(FakeClient(), typed) == meant


@pytest.mark.parametrize(
    ("typed", "told"), [("abc", "2 ids begin with abc"), ("fff", "no recent checkout's id begins")]
)
def test_a_beginning_that_is_not_one_checkouts_is_refused(typed: str, told: str) -> None:
    """With what is missing; padded with zeros it would have been another trace's."""
    with pytest.raises(NoTraces, match=told):
        recent.whole_id(FakeClient(), typed)


def test_after_a_hunt_its_checkout_is_the_last_one_until_somebody_buys() -> None:
    """That is the one that everybody in the room thinks of."""
    hunted, bought = "d" * 32, "e" * 32
    history.append({"kind": "hunt", "trace_id": hunted})
    assert recent.last_checkouts(FakeClient()) == [hunted]
    history.append({"kind": "checkout", "trace_id": bought, "status": 201, "ms": 1.0})
    assert recent.last_checkouts(FakeClient()) == [bought]
