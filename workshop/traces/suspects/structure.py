"""What is called no more, and what fails now: changes that take no time.

A step that calls less than before was cut short. Where it was cut is told by what began last: a call after which
nothing follows any more points to its callee, an own span or nothing to the step's own service. A callee that only
takes another one's place is a different mixture, not a change.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from workshop.traces.suspects import tests_of_chance
from workshop.traces.suspects.observed import FAILED, Made, Observed, Step

CERTAIN = 2.3  # z
LOST = 0.08  # calls a span, on balance, below which nothing vanished
CALLER = 0.4  # of the weight is the caller's where the callee is blamed
BEFORE, AFTER = 5, 3  # spans of a step without which nothing can be said

_FAILURE = re.compile(r"(?i)error|exception|\(failed\)")


@dataclass(slots=True)
class Break:
    """A step that fails or calls less: the part of its spans `before` and `after`. `services` share the weight.

    `last` is what its calls end with now and did not before, if that is known.
    """

    kind: str  # "errors" or "vanished"
    step: Step
    child: Step
    last: Step | None
    services: dict[str, float]
    before: float
    after: float
    z: float
    weight: float


def breaks(old: Sequence[Observed], new: Sequence[Observed]) -> list[Break]:
    """The steps that broke; nothing where there are too few of them."""
    before, after = _steps(old), _steps(new)
    callees: dict[Step, set[str]] = {}
    for trace in old:
        for step, services in trace.callees.items():
            callees.setdefault(step, set()).update(services)
    found: list[Break] = []
    for step in before.keys() & after.keys():
        was, now = before[step], after[step]
        if len(was) >= BEFORE and len(now) >= AFTER:
            found += _of_step(step, was, now, callees)
    _led_on(found)
    return sorted(found, key=lambda each: (-each.weight, each.step, each.child))


def _led_on(found: list[Break]) -> None:
    """A service that fails and whose calls end after one callee fails because of that callee."""
    after = {each.step.service: each.services for each in found if each.kind == "vanished" and len(each.services) > 1}
    for each in found:
        if each.kind == "errors" and each.services == {each.step.service: 1.0}:
            each.services = after.get(each.step.service, each.services)


def _steps(traces: Sequence[Observed]) -> dict[Step, list[Made]]:
    found: dict[Step, list[Made]] = {}
    for trace in traces:
        for step, made in trace.steps.items():
            found.setdefault(step, []).extend(made)
    return found


def _of_step(step: Step, was: list[Made], now: list[Made], callees: dict[Step, set[str]]) -> list[Break]:
    calls_was, calls_now = _calls(was), _calls(now)
    found, lost = [], []
    balance = 0.0
    for child in calls_was.keys() | calls_now.keys():
        a, b = calls_was[child] / len(was), calls_now[child] / len(now)
        z = tests_of_chance.proportions(calls_was[child], len(was), calls_now[child], len(now))
        if not _FAILURE.search(child.name):
            balance += b - a
            if b < a:
                lost.append((z, child, a, b))
        else:
            # A span in which a failure is handled is a call, a failure itself is none.
            balance += b - a if child.name != FAILED else 0.0
            if b > a and z >= CERTAIN:
                found.append(Break("errors", step, child, None, _blamed(step, callees), a, b, z, z * (b - a) ** 0.5))
    if lost and balance <= -LOST:
        z, child, a, b = max(lost)
        if z >= CERTAIN:
            last = _last(step, was, now)
            services = _after(step, last, callees)
            found.append(Break("vanished", step, child, last, services, a, b, z, z * (-balance) ** 0.5))
    return found


def _calls(made: list[Made]) -> Counter[Step]:
    return Counter(child for each in made for child in each.below)


def _blamed(step: Step, callees: dict[Step, set[str]]) -> dict[str, float]:
    """Who may have failed where a step fails: itself, or, of a call, whoever answered it before."""
    return _shared(step.service, callees.get(step))


def _last(step: Step, was: list[Made], now: list[Made]) -> Step | None:
    """What ends a step's calls now and did not before; None where it is nothing."""
    before, after = Counter(each.last for each in was), Counter(each.last for each in now)
    best: tuple[float, Step | None] = (0.0, None)
    for child, count in after.items():
        more = count / len(now) - before[child] / len(was)
        z = tests_of_chance.proportions(before[child], len(was), count, len(now))
        if child is not None and z > 1.6 and more > best[0]:
            best = (more, child)
    return best[1]


def _after(step: Step, last: Step | None, callees: dict[Step, set[str]]) -> dict[str, float]:
    return _shared(step.service, callees.get(last) if last else None)


def _shared(service: str, callees: set[str] | None) -> dict[str, float]:
    """The weight of a break: the service's own, or its callees' where there are some."""
    return {service: CALLER} | {callee: 1.0 / len(callees) for callee in callees} if callees else {service: 1.0}
