"""Rates and kept answers: by a clock that the test turns."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from workshop.share import rates
from workshop.share.keeping import Kept
from workshop.share.passing import Answer
from workshop.share.rates import Rate


class Clock:
    """Tells what it is told."""

    now = 0.0

    def __call__(self) -> float:
        """The time, in s."""
        return self.now


def test_a_rate_gives_its_burst_and_then_its_pace() -> None:
    """Each key for itself, and never more than the burst after a pause."""
    clock = Clock()
    rate = Rate(3, 0.5, clock)
    assert [rate.wait("a") for _ in range(5)] == [0, 0, 0, 2, 2]
    assert rate.wait("b") == 0
    clock.now = 2
    assert [rate.wait("a"), rate.wait("a")] == [0, 2]
    clock.now = 1000
    assert [rate.wait("a") for _ in range(4)] == [0, 0, 0, 2]


def test_a_rate_remembers_a_bounded_number_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has not come for longest is forgotten."""
    monkeypatch.setattr(rates, "MOST_KEYS", 2)
    rate = Rate(1, 0.001, Clock())
    assert [rate.wait("a"), rate.wait("b"), rate.wait("c")] == [0, 0, 0]
    assert rate.wait("c") > 0
    assert rate.wait("a") == 0


def test_an_answer_serves_for_its_seconds() -> None:
    """Then it is made anew; one that failed is not kept."""
    clock, made = Clock(), list[int]()
    kept = Kept(clock)

    def make(status: int = 200) -> Answer:
        made.append(status)
        return Answer(status, {}, b"%d" % len(made))

    assert [kept.get("/", 1, make).body, kept.get("/", 1, make).body, kept.get("/x", 1, make).body] == [
        b"1",
        b"1",
        b"2",
    ]
    clock.now = 1
    assert kept.get("/", 1, make).body == b"3"
    assert [kept.get("/bad", 1, lambda: make(503)).status for _ in range(2)] == [503, 503]
    assert made == [200, 200, 200, 503, 503]


@pytest.mark.parametrize(
    ("status", "age", "got"),
    [(200, 1.5, b"old"), (200, 4.9, b"old"), (200, 5.1, b"new"), (404, 1.5, b"new")],
)
def test_others_go_on_with_the_last_answer_while_one_waits_for_the_next(status: int, age: float, got: bytes) -> None:
    """For some seconds, and only with one that was good; then, or without it, they wait with him."""
    clock = Clock()
    kept, begun, end = Kept(clock), threading.Event(), threading.Event()

    def slow() -> Answer:
        begun.set()
        assert end.wait(10)
        return Answer(200, {}, b"new")

    kept.get("/", 1, lambda: Answer(status, {}, b"old"))
    clock.now = age
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.get, "/", 1, slow)
        assert begun.wait(10)
        other = pool.submit(kept.get, "/", 1, lambda: Answer(200, {}, b"nobody asks for this"))
        if got == b"old":
            assert other.result(10).body == got
        end.set()
        assert [first.result(10).body, other.result(10).body] == [b"new", got]


def test_what_raises_is_not_kept() -> None:
    """The next one who asks tries again."""
    kept = Kept()

    def fail() -> Answer:
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            kept.get("/", 60, fail)
    assert kept.get("/", 60, lambda: Answer(200, {}, b"ok")).body == b"ok"


def test_kept_answers_have_a_bound_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first, and what is too large is not kept at all."""
    monkeypatch.setattr("workshop.share.keeping.MOST_BYTES", 100)
    kept, made = Kept(), list[str]()

    def ask(key: str, size: int) -> None:
        kept.get(key, 60, lambda: made.append(key) or Answer(200, {}, b"x" * size))  # type: ignore[func-returns-value]

    ask("large", 50)
    ask("large", 50)
    for number in range(6):
        ask(str(number), 24)
    ask("5", 24)
    ask("0", 24)
    assert made == ["large", "large", *"012345", "0"]
