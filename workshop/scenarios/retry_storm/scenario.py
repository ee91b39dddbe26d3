"""A rush is over, and what was tried again because of it keeps the provider as busy as the rush did."""

from dataclasses import dataclass

from workshop.changes.kinds import Release, Setting
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import LEAST, calls, checkouts
from workshop.traces.model.trace import Span
from workshop.traces.neighbours.intervals import Interval, most_at_once

# Attempts of one charge that end with a timeout, before it is part of a storm.
AGAIN = 3
# Of the checkouts before the rush, and of those long after it.
MOST = 0.8
# So many times as many are in the shop in the rush as after it.
TIMES = 2


@dataclass(frozen=True)
class Bought:
    """A checkout from begin to end, and its attempts at a charge that ended with a timeout."""

    whole: Interval
    timed_out: list[Span]

    @property
    def stormy(self) -> bool:
        """Whether it was tried again and again."""
        return len(self.timed_out) >= AGAIN


def signature(population: Population) -> Proof:
    """The usual number of customers is served at once before a rush, and after it is over and gone hardly one is."""
    found = bought(population)
    stormy = [each for each in found if each.stormy]
    if len(stormy) < LEAST:
        return Proof(f"{len(stormy)} charges were tried again and again")
    rush, gone = busiest([each.whole for each in found])
    before = [each for each in found if each.whole.end < min(other.whole.start for other in stormy)]
    after = [each for each in found if each.whole.start > gone]
    usual = most_at_once([each.whole for each in after])
    told = f"{len(before)} checkouts before a rush of {rush}, {len(after)} with {usual} at once after it"
    if min(len(before), len(after)) < LEAST or rush < TIMES * usual or often(after) > often(before):
        return Proof(told)
    quick = sum(not each.timed_out for each in before)
    late = [each for each in after if each.stormy]
    if quick < MOST * len(before) or len(late) < MOST * len(after):
        return Proof(f"{told}: {quick} of the former took one attempt, {len(late)} of the latter many")
    attempts = [span for each in late for span in each.timed_out]
    told = f"{quick} of {len(before)} checkouts took one attempt before a rush of {rush}; since it is over fewer come"
    times = len(attempts) / len(late)
    return Proof(f"{told}, and {len(late)} of {len(after)} are tried {times:.0f} times in vain", attempts)


def bought(population: Population) -> list[Bought]:
    """The checkouts, in the order in which they began."""
    timed_out: dict[str, list[Span]] = {}
    for trace, span in calls(population, "payment", "/v1/charges"):
        if span.is_error and "timeout" in str(span.attributes.get("error.type", "")).lower():
            timed_out.setdefault(trace.trace_id, []).append(span)
    roots = sorted((trace.root for trace in checkouts(population)), key=lambda root: root.start)
    return [Bought(Interval(root.start, root.end, root), timed_out.get(root.trace_id, [])) for root in roots]


def busiest(found: list[Interval]) -> tuple[int, int]:
    """How many are in the shop at once at most, and when the last of these has left it."""
    rush = [[each for each in found if each.start <= one.start < each.end] for one in found]
    most = max(rush, key=len)
    return len(most), max(each.end for each in most)


def often(found: list[Bought]) -> float:
    """How many begin in a second, from the first to the last."""
    seconds = (found[-1].whole.start - found[0].whole.start) / 1e9
    return (len(found) - 1) / max(seconds, 0.001)


SCENARIO = Scenario(
    name="retry-storm",
    title="A rush is long over, and its retries go on",
    audience="customers",
    page="Nobody can pay since the newsletter went out. The rush was over after seconds, and it does not get better.",
    over="With the usual number of customers a charge takes one attempt.",
    changes=lambda: [
        Setting(service="provider", values={"PROVIDER_LATENCY_MS": "100", "PROVIDER_CAPACITY": "1"}),
        Release(service="payment", name="retries", patch="workshop/scenarios/retries/payment.patch"),
        Setting(service="payment", values={"PROVIDER_TIMEOUT_SECONDS": "0.2", "PROVIDER_ATTEMPTS": "8"}),
    ],
    cures=[
        "less retrying: roll the changes of payment back, and a timeout is not tried again",
        "less load: let nobody buy until the provider's line is empty, then a few at a time",
    ],
    signature=signature,
    alone=True,
    traffic=Traffic(users=4, seconds=14.0, pause=1.2, surge=6),
    look_alikes={
        "retries": "there the first attempt fails at any load, here the usual load was fine until the rush",
        "slow-provider": "there the provider answers, late; here it works for callers who have gone",
    },
    diagnosis="retries outlast their cause",
    diagnosis_of_one="Read timed out",
)
