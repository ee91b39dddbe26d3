"""Breaking and curing, with a system that is only noted down: what is undone when, and what is believed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from workshop.changes import making
from workshop.scenarios import catalogue, population, running
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.shop import history
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings
from workshop.traces.model.trace import Span

SETTINGS = Settings(_env_file=None)  # type: ignore[call-arg]
NOTHING = Population([])


class Noted:
    """What was done to the system, in words."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def does(self, word: str, answer: object = None) -> Callable[..., object]:
        """A function that notes that it was called."""

        def noted(*arguments: object, **options: object) -> object:
            self.did.append(word)
            return answer

        return noted


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """Nothing is up; what would be done to it is noted."""
    noted = Noted()
    monkeypatch.setattr(making, "make", noted.does("make"))
    monkeypatch.setattr(making, "undo", noted.does("undo", []))
    monkeypatch.setattr(running, "sound", noted.does("sound"))
    monkeypatch.setattr(running, "broken", lambda settings: [])
    monkeypatch.setattr(history, "append", noted.does("note"))
    monkeypatch.setattr(population, "fresh", noted.does("buy", NOTHING))
    monkeypatch.setattr(running, "PROOF_SECONDS", 0.0)
    monkeypatch.setattr(running, "FRESH", 0)
    return noted


def scenario(*answers: Proof | BaseException) -> Scenario:
    """Retries, whose signature gives these answers one after the other, and then the last one again and again."""
    left = list(answers)

    def signature(population: Population) -> Proof:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return replace(catalogue.named("retries"), signature=signature, period=0.0)


SPAN = Span("abc", "1", None, "payment", "POST", "client", 0, 1)
SEEN = Proof("it is there", [SPAN])
MISSED = Proof("nothing of it")


def test_what_is_not_seen_is_undone(system: Noted) -> None:
    """The error says what was missing; both changes had been made."""
    with pytest.raises(StackError, match="did not take: after 0 s nothing of it"):
        running.break_it(SETTINGS, scenario(MISSED))
    assert system.did == ["sound", "make", "make", "note", "buy", "undo"]


def test_what_is_interrupted_is_undone(system: Noted) -> None:
    """Ctrl-C while customers buy."""
    with pytest.raises(KeyboardInterrupt):
        running.break_it(SETTINGS, scenario(KeyboardInterrupt()))
    assert system.did[-1] == "undo"


def test_what_is_seen_stays(system: Noted) -> None:
    """The proof comes with the population that it is from."""
    proof, found = running.break_it(SETTINGS, scenario(SEEN))
    assert proof is SEEN
    assert found is NOTHING
    assert "undo" not in system.did


def test_a_second_fault_is_refused(system: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done then."""
    monkeypatch.setattr(running, "broken", lambda settings: ["n-plus-one"])
    with pytest.raises(StackError, match="spans fix n-plus-one first"):
        running.break_it(SETTINGS, scenario(SEEN))
    assert system.did == []


def test_a_cure_may_need_a_second_look(system: Noted) -> None:
    """What was queued is worked off first; what is seen twice is still there."""
    running.fix_it(SETTINGS, scenario(SEEN, MISSED))
    assert system.did == ["undo", "sound", "note", "buy", "buy"]
    with pytest.raises(StackError, match=r"still there: it is there \(trace abc\)"):
        running.fix_it(SETTINGS, scenario(SEEN))


def test_no_traces_are_no_cure(system: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature that is not seen in nothing says nothing."""
    monkeypatch.setattr(running, "FRESH", 10)
    with pytest.raises(StackError, match="only 0 of 10 checkouts left a trace"):
        running.fix_it(SETTINGS, scenario(MISSED))
    assert system.did.count("buy") == running.LOOKS


@pytest.mark.parametrize(("others", "alone", "refused"), [(45.0, True, True), (0.5, True, False), (45.0, False, False)])
def test_what_shows_only_where_nobody_else_buys(
    system: Noted, monkeypatch: pytest.MonkeyPatch, others: float, alone: bool, refused: bool
) -> None:
    """Under load it is refused at once, and nothing is changed; the next step is named."""
    monkeypatch.setattr(population, "bought_by_others", lambda settings: others)
    wanted = replace(scenario(SEEN), alone=alone)
    if not refused:
        assert running.break_it(SETTINGS, wanted)[0] is SEEN
        return
    with pytest.raises(StackError, match="45 checkouts a second are made: end the load first"):
        running.break_it(SETTINGS, wanted)
    assert system.did == []
