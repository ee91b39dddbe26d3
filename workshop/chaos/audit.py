"""`spans audit`: do orders, stock, charges and messages agree?"""

import json
import time

from workshop.chaos import records
from workshop.chaos.invariants import EXAMPLES, Verdict, judge
from workshop.stack import own
from workshop.stack.screen import say
from workshop.stack.settings import Settings


def audit(settle: float, pending_seconds: float, as_json: bool) -> bool:
    """Print every invariant's verdict; True when none is violated. It only reads, and may run under load."""
    settings = own.system()
    if settle:
        wait_until_settled(settings, settle, quiet=as_json)
    verdicts = judge(records.read(settings), pending_seconds)
    print(to_json(verdicts)) if as_json else show(verdicts)
    return not any(verdict.violations for verdict in verdicts)


def wait_until_settled(settings: Settings, seconds: float, quiet: bool = False) -> bool:
    """Wait until no order is pending and the outbox is empty, for so many seconds; False when they ran out."""
    deadline = time.monotonic() + seconds
    told: records.Waiting | None = None
    while any(found := records.waiting(settings)):
        if time.monotonic() > deadline:
            if not quiet:
                say(f"Still there after {seconds:g} s: {found}.")
            return False
        if not quiet and found != told:
            say(f"waiting for {found}")
            told = found
        time.sleep(0.5)
    return True


def show(verdicts: list[Verdict]) -> None:
    """A table, with examples of what is violated below their line."""
    width = max(len(verdict.invariant) for verdict in verdicts)
    say(f"{'invariant':{width}}  {'checked':>8}  {'violated':>8}", "bold")
    for verdict in verdicts:
        count = len(verdict.violations)
        line = f"{verdict.invariant:{width}}  {verdict.checked:8,}  {count:8,}"
        say(line, "red" if count else None)
        for example in verdict.violations[:EXAMPLES]:
            say(f"    {example}")
        if count > EXAMPLES:
            say(f"    and {count - EXAMPLES:,} more")
        if count and verdict.remedy:
            say(f"    what to do: {verdict.remedy}")
    violated = sum(bool(verdict.violations) for verdict in verdicts)
    say("")
    say(f"{violated} of {len(verdicts)} invariants violated." if violated else f"All {len(verdicts)} invariants hold.")


def to_json(verdicts: list[Verdict]) -> str:
    """The same for programs: a list of invariant, checked, violated, examples, what_to_do."""
    return json.dumps(
        [
            {
                "invariant": verdict.invariant,
                "checked": verdict.checked,
                "violated": len(verdict.violations),
                "examples": verdict.violations[:EXAMPLES],
                "what_to_do": verdict.remedy,
            }
            for verdict in verdicts
        ],
        indent=1,
    )
