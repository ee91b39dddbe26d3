"""`spans deploy`, `set`, `rollback`, `changes`: what a person types."""

import json
import time
from collections.abc import Callable

from workshop.changes import declared, journal, making, patching
from workshop.changes.journal import Entry
from workshop.changes.kinds import Process, Setting
from workshop.stack import own, runtime
from workshop.stack.errors import StackError
from workshop.stack.interrupts import handle_all
from workshop.stack.screen import say, waiting
from workshop.stack.settings import Settings, current


def deploy(service: str, release: str) -> None:
    """Have a service run another version of its package."""
    handle_all()
    settings = own.system()
    change = patching.named(service, release)
    _made(settings, change.words, lambda: making.make(settings, change))


def set_values(service: str, assignments: list[str]) -> None:
    """Give settings of a process other values; without any, tell what can be set."""
    if not assignments:
        for name, field in sorted(declared.settable(service).items()):
            say(f"  {name:38} {field.description} (default: {field.default})")
        return
    values = {}
    for each in assignments:
        name, equals, value = each.partition("=")
        if not equals:
            raise StackError(f"{each!r} is no NAME=VALUE, and nothing was changed")
        values[name] = value
    for name, value in values.items():
        declared.check(service, name, value)
    handle_all()
    settings = own.system()
    change = Setting(service=service, values=values)
    _made(settings, change.words, lambda: making.make(settings, change))


def rollback(which: str) -> None:
    """Undo what was changed at a process, or the change of that number."""
    if not which.isdecimal():
        declared.settable(which)
    handle_all()
    settings = own.system()
    with waiting(f"undoing the changes of {which}"):
        wanted = making.of(which) if not which.isdecimal() else lambda entry: entry.number == int(which)
        undone = making.undo(settings, wanted)
    for each in undone:
        say(f"Undone: {each.change.words} (change {each.number}, by {each.by}).")
    if not undone:
        say(f"Nothing of {which} was changed: make changes lists what is.")


def show(as_json: bool) -> None:
    """The log, oldest first."""
    found = journal.entries(current())
    if as_json:
        print(json.dumps([each.note() for each in found], indent=1))
        return
    if not found:
        say("Nothing has been changed: the system is as it was delivered.")
    for each in found:
        state = {"done": "in force", "undone": f"undone {_at(each.ended)}"}.get(each.state, "left half way")
        why = f" ({each.why})" if each.why and each.state == "undone" else ""
        say(f"{each.number:4}  {_at(each.made)}  {each.change.words}  by {each.by}, {each.runtime}: {state}{why}")


def in_words(settings: Settings) -> str:
    """What is not as delivered, for `make status`."""
    chosen = runtime.what_is_up(settings)
    changes = [each.change for each in journal.in_force(settings, chosen or "")]
    ended = making.WAYS[chosen].ended(settings, changes) if chosen else set()
    found = [
        f"{each.words} (its process {each.program} does not run)"
        if isinstance(each, Process) and each.program in ended
        else each.words
        for each in changes
    ]
    half = journal.left_open(settings, chosen or "")
    return ", ".join([*found, *(f"{each.change.words} (left half way)" for each in half)]) or "none"


def _made(settings: Settings, words: str, make: Callable[[], Entry]) -> None:
    began = time.monotonic()
    with waiting(words):
        entry = make()
    say(f"Done in {time.monotonic() - began:.1f} s: {entry.change.words} (change {entry.number}).")
    say(f"Next: make checkout N=5, make trace; make rollback SERVICE={entry.change.restarts} undoes it.")


def _at(moment: float | None) -> str:
    return time.strftime("%d %b %H:%M:%S", time.localtime(moment))
