"""`spans scenarios check`: what has to be true of a scenario before anybody believes it."""

import time

from workshop.scenarios import diagnosed, matrix, population, recording, running
from workshop.scenarios.catalogue import every, folder
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import LEAST, checkouts
from workshop.stack.errors import StackError
from workshop.stack.interrupts import handle_all
from workshop.stack.screen import say
from workshop.stack.settings import Settings


def check(settings: Settings, scenario: Scenario, *, record: bool) -> None:
    """Absent when healthy, there when broken, told from all others, gone when cured; StackError with what is not so."""
    handle_all()
    if on := running.broken(settings):
        raise StackError(f"{on[0]} is broken: spans fix {on[0]} first, and nothing was done")
    running.sound(settings, None)
    sane = population.fresh(settings, scenario.traffic)
    if len(checkouts(sane)) < LEAST:
        raise StackError(f"only {len(checkouts(sane))} checkouts left a trace: nothing can be said. make status")
    healthy = scenario.signature(sane)
    if healthy:
        raise StackError(f"{scenario.name} is seen in the healthy system: {healthy.words}")
    say(f"healthy: not seen ({healthy.words})")
    began = time.monotonic()
    proof, found = running.break_it(settings, scenario)
    say(f"broken: seen after {time.monotonic() - began:.1f} s ({proof.words})")
    try:
        if record:
            recording.save(folder(scenario) / recording.NAME, settings, found, proof.spans[0].trace_id)
            found = recording.load(folder(scenario) / recording.NAME)
        distinct(scenario, found)
        diagnosable(scenario, found)
    finally:
        began = time.monotonic()
        running.fix_it(settings, scenario)
    say(f"cured: gone after {time.monotonic() - began:.1f} s ({scenario.cures[0]})")


def diagnosable(scenario: Scenario, found: Population) -> None:
    """StackError when the diagnosis, which knows nothing of scenarios, does not name the cause from its traces."""
    said = diagnosed.told(found)
    if diagnosed.naming(scenario, said) is None:
        verdicts = "; ".join(f"{each.root}: {each.verdict}" for each in said.many)
        raise StackError(f"the diagnosis does not say {scenario.diagnosis!r} of it, but: {verdicts}")


def distinct(scenario: Scenario, found: Population) -> None:
    """StackError when another signature fires on its traces, or its own on another's, and neither names the other."""
    if not scenario.signature(found):
        raise StackError("the recording alone does not prove it: have its customers buy for longer")
    mistaken = matrix.wrong(scenario, matrix.fired(found))
    for name, path in recording.paths().items():
        other = every().get(name)
        seen: Proof = scenario.signature(recording.load(path))
        if name != scenario.name and seen and (other is None or scenario.name not in other.look_alikes):
            mistaken.append(name)
    if mistaken:
        raise StackError(f"{scenario.name} is not told from {', '.join(mistaken)}: mend a signature, or name what does")
    say(f"told from all others ({len(recording.paths())} recordings)")
