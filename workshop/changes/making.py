"""Makes changes and undoes them: whole, or as if nothing had been.

The log says what is meant before anything is done, and the line that says `done` (or `undone`) is what makes it so.
Files and processes follow from the log: `converge` can be run again and again, so whoever finds a change that was left
half way undoes it, whatever it had come to.
"""

import contextlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator, Sequence

from workshop.changes import data, declared, docker, edges, jobs, journal, local, patching
from workshop.changes.journal import Entry
from workshop.changes.kinds import Change, Data, Job, Limit, Release, Setting, Wire
from workshop.stack import runtime
from workshop.stack.errors import StackError
from workshop.stack.interrupts import undisturbed
from workshop.stack.screen import complain, say
from workshop.stack.settings import Settings, current

WAYS = {"local": local, "docker": docker}
CUT_SHORT = "it was cut short"


def make(settings: Settings, change: Change, by: str = "") -> Entry:
    """Make a change and come back when the system is ready with it; its entry in the log.

    StackError, nothing having changed, when it is wrong, when another stands in its way, or when a process does not
    come up with it. Undone, too, when it is interrupted.
    """
    with turn(settings, by) as (chosen, who):
        check(settings, change, chosen)
        entry = journal.begin(settings, change, chosen, who)
        with _or_undone(settings, chosen, entry):
            _apply(settings, chosen, entry)
        journal.say(settings, entry, "done")
        return entry


def undo(settings: Settings, wanted: Callable[[Entry], bool], by: str = "") -> list[Entry]:
    """Undo the changes in force that are wanted, the latest first; those that were. Whoever is interrupted has undone
    some, and the next command brings the one in hand to its end.
    """
    with turn(settings, by) as (chosen, who):
        found = [each for each in reversed(journal.in_force(settings, chosen)) if wanted(each)]
        for each in found:
            journal.say(settings, each, "undoing", f"by {who}")
            _take_back(settings, chosen, each, f"by {who}")
        return found


def of(service: str) -> Callable[[Entry], bool]:
    """For `undo`: the changes that this process was started anew for, and the limits that it is held to."""
    return lambda entry: service in (entry.change.restarts, getattr(entry.change, "service", ""))


@contextlib.contextmanager
def noted(settings: Settings, change: Data, *, there: bool) -> Iterator[None]:
    """What the caller carries out within, noted as the change that is made, or undone where it is not `there`.

    An interrupted one is brought to its end with the change's own statements, as any other.
    """
    with turn(settings, "", patient=True) as (chosen, who):
        found = [each for each in journal.in_force(settings, chosen) if each.change.slot == change.slot]
        if bool(found) == there:
            yield
            return
        entry = found[0] if found else journal.begin(settings, change, chosen, who)
        if not there:
            journal.say(settings, entry, "undoing", f"by {who}")
        with _or_undone(settings, chosen, entry):
            yield
        journal.say(settings, entry, "done" if there else "undone", "" if there else f"by {who}")


@contextlib.contextmanager
def turn(settings: Settings, by: str, *, patient: bool = False) -> Iterator[tuple[str, str]]:
    """The system to ourselves, what others left half way being settled first; its runtime, and who we are."""
    who = by or journal.whoever()
    with journal.alone(settings, who, patient=patient):
        chosen = runtime.what_is_up(settings)
        if chosen is None:
            raise StackError("nothing is up here: make up starts the system")
        _settle(settings, chosen)
        yield chosen, who


def check(settings: Settings, change: Change, chosen: str) -> None:
    """StackError when a change cannot be made, before anything is touched."""
    for each in journal.in_force(settings, chosen):
        if change.slot and each.change.slot == change.slot:
            raise StackError(
                f"{change.slot} is changed already ({each.change.words}, by {each.by}), and nothing was done: "
                f"undo that one first (spans rollback {each.change.restarts or each.number})"
            )
    match change:
        case Setting():
            for name, value in change.values.items():
                declared.check(change.service, name, value)
            if change.service == "collector" and chosen == "local" and shutil.which("jaeger"):
                raise StackError("the real Jaeger on PATH is the collector here, and it has no such setting")
        case Release():
            patching.make(settings, change)
        case Wire():
            edges.check(change)
        case Limit():
            jobs.check(change)
        case Job():
            if importlib.util.find_spec(change.module) is None:
                raise StackError(f"job {change.name}: there is no module {change.module}")


def prepare() -> None:
    """Before the system starts: have the files say what is in force. A change half way is not among it.

    Nor is a release whose patch does not fit the code any more, which may be another than when it was deployed.
    """
    settings = current()
    if journal.path(settings).exists():
        with journal.alone(settings, journal.whoever()):
            for chosen, way in WAYS.items():
                for entry in journal.in_force(settings, chosen):
                    _still_fits(settings, entry)
                way.write(settings, _changes(journal.in_force(settings, chosen)))


def _still_fits(settings: Settings, entry: Entry) -> None:
    try:
        if isinstance(entry.change, Release):
            patching.make(settings, entry.change)
    except StackError as error:
        complain(f"{entry.change.words} is undone: {error}")
        journal.say(settings, entry, "undone", "its patch does not fit any more")


def settle() -> None:
    """When the system is up: undo what somebody left half way, and say what is not as delivered."""
    settings = current()
    if journal.path(settings).exists():
        with turn(settings, "") as (chosen, _):
            found = journal.in_force(settings, chosen)
        if found:
            say(f"\nNot as delivered: {', '.join(each.change.words for each in found)} (make changes).")


@contextlib.contextmanager
def _or_undone(settings: Settings, chosen: str, entry: Entry) -> Iterator[None]:
    """What goes wrong within undoes the change, or, where that cannot be either, leaves it to the next command."""
    try:
        yield
    except BaseException as error:
        told = "The change was undone"
        with undisturbed():
            try:
                _take_back(settings, chosen, entry, _reason(error))
            except StackError:
                told = "The change is left half way, the next command undoes it"
        if isinstance(error, StackError):
            raise StackError(f"{error}\n{told}: {entry.change.words}") from None
        raise


def _settle(settings: Settings, chosen: str) -> None:
    for entry in reversed(journal.left_open(settings, chosen)):
        say(f"Change {entry.number} was left half way and is undone now: {entry.change.words} (by {entry.by}).")
        _take_back(settings, chosen, entry, entry.why or CUT_SHORT)


def _apply(settings: Settings, chosen: str, entry: Entry) -> None:
    changes = _changes([*journal.in_force(settings, chosen), entry])
    if isinstance(entry.change, Data):
        data.run(settings, entry.change, entry.change.up)
    else:
        _converge(settings, chosen, changes, entry.change)


def _take_back(settings: Settings, chosen: str, entry: Entry, why: str) -> None:
    left = [each for each in journal.in_force(settings, chosen) if each.number != entry.number]
    if isinstance(entry.change, Data):
        data.run(settings, entry.change, entry.change.down)
    else:
        _converge(settings, chosen, _changes(left), entry.change)
    if isinstance(entry.change, Job):
        data.end_sessions(settings, entry.change.name)
    journal.say(settings, entry, "undone", why)


def _converge(settings: Settings, chosen: str, changes: Sequence[Change], change: Change) -> None:
    WAYS[chosen].converge(settings, changes, change)


def _changes(entries: Sequence[Entry]) -> list[Change]:
    return [each.change for each in entries]


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0] if isinstance(error, StackError) else CUT_SHORT
