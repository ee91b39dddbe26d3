"""Plans that several pages share."""

from typing import Any

from workshop.console.trace import plans
from workshop.console.trace.plans import Plans
from workshop.traces.model.trace import Span, Trace

ENDED = 1_795_449_600  # Unix seconds


def trace(seconds: float = 0.0) -> Trace:
    """One span of 10 ms that ended so long after ENDED."""
    end = ENDED * 10**9 + round(seconds * 1e9)
    return Trace([Span("1" * 32, "1" * 16, None, "order", "POST /orders", "server", end - 10_000_000, end)])


class Asked:
    """A database that counts how often it was asked, on a clock of its own."""

    def __init__(self) -> None:
        self.now, self.times = ENDED + 1.0, 0
        self.plans = Plans(self.explain, lambda: self.now)

    def explain(self, statement: str, database: str | None) -> Any:
        """The number of the question, as its plan."""
        self.times += 1
        return f"{statement} in {database}: {self.times}"


def test_pages_of_one_moment_share_a_plan() -> None:
    """Each statement of each database has its own; after some seconds it is asked for again."""
    asked = Asked()
    for _ in range(3):
        assert asked.plans.of(trace())("SELECT 1", "inventory") == "SELECT 1 in inventory: 1"
    assert asked.plans.of(trace())("SELECT 1", None) == "SELECT 1 in None: 2"
    asked.now += plans.KEPT_SECONDS
    assert asked.plans.of(trace())("SELECT 1", "inventory") == "SELECT 1 in inventory: 3"


def test_a_plan_is_never_older_than_the_trace() -> None:
    """An index that went between a plan and a checkout is not there in the checkout's plan."""
    asked = Asked()
    asked.plans.of(trace())("SELECT 1", None)
    assert asked.plans.of(trace(1.5))("SELECT 1", None) == "SELECT 1 in None: 2"
    asked.now += 1
    assert asked.plans.of(trace(1.5))("SELECT 1", None) == "SELECT 1 in None: 3"
    assert asked.plans.of(trace())("SELECT 1", None) == "SELECT 1 in None: 3"


def test_what_has_no_plan_is_kept_too() -> None:
    """A database that is away is not asked for each page."""
    times: list[str] = []

    def away(statement: str, database: str | None) -> None:
        times.append(statement)

    kept = Plans(away, lambda: ENDED + 1.0)
    assert [kept.of(trace())("SELECT 1", None) for _ in range(3)] == [None] * 3
    assert times == ["SELECT 1"]


def test_only_so_many_are_kept() -> None:
    """Traces of statements that never come again do not fill the memory."""
    asked = Asked()
    for number in range(plans.MOST_KEPT + 1):
        asked.plans.of(trace())(f"SELECT {number}", None)
    asked.plans.of(trace())("SELECT 0", None)
    assert asked.times == plans.MOST_KEPT + 2
