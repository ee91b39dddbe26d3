"""Breaking with proof, and curing with proof."""

import time

from workshop.changes import journal, making
from workshop.changes.journal import Entry
from workshop.commands import index
from workshop.scenarios import population
from workshop.scenarios.catalogue import every
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import checkouts
from workshop.shop import history, ledger
from workshop.stack import runtime
from workshop.stack.errors import StackError
from workshop.stack.interrupts import undisturbed
from workshop.stack.screen import say, waiting
from workshop.stack.settings import Settings

# A fault that is not seen after so long has not taken.
PROOF_SECONDS = 90.0
# How many checkouts have to be without it, at least.
FRESH = 10
# So many checkouts of others in a second are load.
MANY = 2.0
# Looks at too few traces, before that is said to be the trouble.
LOOKS = 3
# How the log names who made a scenario's changes.
MARK = "scenario "


def broken(settings: Settings) -> list[str]:
    """The scenarios that are switched on, by what the log says."""
    up = runtime.what_is_up(settings) or ""
    names = [each.by.rpartition(MARK)[2] for each in journal.in_force(settings, up) if MARK in each.by]
    return [name for name in dict.fromkeys(names) if name in every()]


def break_it(settings: Settings, scenario: Scenario) -> tuple[Proof, Population]:
    """Make the scenario's changes, and buy until its signature is in the traces; the proof.

    StackError when it does not take, all being undone then, as after an interruption.
    """
    if others := broken(settings):
        raise StackError(f"{others[0]} is broken already: spans fix {others[0]} first, or two faults are one riddle")
    if scenario.alone:
        left_alone(settings, scenario)
    sound(settings, scenario)
    try:
        for change in scenario.changes():
            with waiting(change.words):
                making.make(settings, change, by=f"{journal.whoever()}, {MARK}{scenario.name}")
        history.append({"kind": "break", "scenario": scenario.name})
        return prove(settings, scenario)
    except BaseException:
        with undisturbed():
            undone = undo(settings, scenario)
        say(f"Undone: {', '.join(each.change.words for each in undone) or 'nothing had been changed'}.")
        raise


def left_alone(settings: Settings, scenario: Scenario) -> None:
    """StackError where others buy, too."""
    with waiting("seeing whether anybody buys"):
        others = population.bought_by_others(settings)
    if others >= MANY:
        raise StackError(
            f"{scenario.name} shows only where nobody else buys, and {others:.0f} checkouts a second are made: end the "
            "load first (Ctrl-C, or Load off on the teacher's page)"
        )


def prove(settings: Settings, scenario: Scenario) -> tuple[Proof, Population]:
    """Buy until the signature is seen; StackError with what was missing the last time."""
    began = time.monotonic()
    with waiting(f"buying until it shows: {_customers(scenario)}") as tell:
        while True:
            found = population.fresh(settings, scenario.traffic)
            proof = scenario.signature(found)
            if proof:
                return proof, found
            if time.monotonic() - began > PROOF_SECONDS:
                raise StackError(
                    f"{scenario.name} did not take: after {time.monotonic() - began:.0f} s {proof.words}"
                    f" ({len(found.traces)} traces looked at)"
                )
            tell(f"buying until it shows: {proof.words}, after {time.monotonic() - began:.0f} s")


def fix_it(settings: Settings, scenario: Scenario) -> list[Entry]:
    """Undo the scenario's changes, and buy until it is certain that its signature is gone; what was undone.

    StackError when it is still seen.
    """
    with waiting(f"curing: {scenario.cures[0]}"):
        undone = undo(settings, scenario)
    sound(settings, None)
    history.append({"kind": "fix", "scenario": scenario.name})
    is_gone(settings, scenario)
    return undone


def undo(settings: Settings, scenario: Scenario) -> list[Entry]:
    """Undo what was changed for it, the latest first."""
    return making.undo(settings, lambda entry: entry.by.endswith(f"{MARK}{scenario.name}"))


def is_gone(settings: Settings, scenario: Scenario) -> None:
    """Buy, for two periods where it comes and goes; StackError when the signature is seen in what was bought last.

    What waited in a queue is worked off first, so the first look may still see it.
    """
    until, looks = time.monotonic() + 2 * scenario.period, 0
    with waiting(f"buying to see that it is gone: {_customers(scenario)}") as tell:
        while True:
            looks += 1
            found = population.fresh(settings, scenario.traffic, least=FRESH)
            proof = scenario.signature(found)
            if proof and looks > 1:
                raise StackError(f"{scenario.name} is still there: {proof.words} (trace {proof.spans[0].trace_id})")
            there = len(checkouts(found))
            if not proof and there >= FRESH and time.monotonic() >= until:
                return
            if there < FRESH and looks >= LOOKS:
                raise StackError(f"only {there} of {FRESH} checkouts left a trace: nothing can be said. make status")
            tell(f"buying to see that it is gone: {proof.words}")


def sound(settings: Settings, scenario: Scenario | None) -> None:
    """Have the index there: whatever else is looked for, one fault is enough."""
    if scenario is None or not scenario.index:
        told_meanwhile = waiting("seeing to it that the ledger has its index")
        with told_meanwhile, making.noted(settings, index.CHANGE, there=True):
            changed, told = ledger.fix(settings)
        if changed:
            say(told)


def _customers(scenario: Scenario) -> str:
    users, carts = scenario.traffic.users, " or ".join(str(each) for each in sorted(set(scenario.traffic.carts)))
    more = f", {scenario.traffic.surge} more for a moment" if scenario.traffic.surge else ""
    cold = ", a cache that knows nothing" if scenario.traffic.cold else ""
    return f"{users} {'customer' if users == 1 else 'customers'}, carts of {carts}{more}{cold}"
