"""An account of time in the terminal: a line for each kind of time, whose it was, and of what."""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from workshop.traces import wording
from workshop.traces.model import naming
from workshop.traces.time.account import Account, Line

SHOWN = 12  # lines; the others become one
WORDS = {
    "own-code": "own code",
    "before-work": "before work",
    "statement": "statement",
    "external-call": "external call",
    "way-there": "way there",
    "way-back": "way back",
    "way": "way there or back",
    "cold-start": "cold start",
    "connection": "connection",
    "wait": "wait",
    "idle": "idle",
    "stream": "stream",
    "delivery": "delivery",
    "unrecorded": "unrecorded",
}


class AccountView:
    """What Rich prints for an account; `full` shows every line."""

    def __init__(self, account: Account, *, full: bool = False) -> None:
        self.account = account
        self.full = full

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the account as wide as the console."""
        for line in _lines(self.account, options.max_width, None if self.full else SHOWN):
            yield wording.plain(line) if options.ascii_only else line


def _lines(account: Account, width: int, limit: int | None) -> Iterator[Text]:
    trace = account.trace
    heading = Text(wording.clean(f"{trace.root.service} {naming.label(trace.root)}"), "bold", no_wrap=True)
    heading.append(f"  {wording.duration(account.whole / 1e6)}", "bold")
    if account.whole != account.answer:
        heading.append(f", the answer after {wording.duration(account.answer / 1e6)}", "")
    yield heading
    yield Text(f"  trace {trace.trace_id}", "dim")
    shown = account.lines if limit is None or len(account.lines) <= limit + 1 else account.lines[:limit]
    whose = [who(line) for line in shown]
    kind_width = max((len(WORDS[line.kind]) for line in shown), default=4)
    who_width = min(max(map(len, whose), default=3), max(width // 4, 12))
    for line, service in zip(shown, whose, strict=True):
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{wording.share(account.share(line)):>5} {wording.duration(line.ns / 1e6):>9}  ", "bold")
        text.append(f"{WORDS[line.kind]:{kind_width}}  ", "yellow" if line.waits_for else "")
        text.append(wording.fit(service, who_width) + "  ", "cyan")
        text.append(what(line))
        text.append("".join(f" ({note})" for note in notes(line)), "dim")
        yield text
    if left := account.lines[len(shown) :]:
        yield Text(f"{_rest(account, left)}", "dim")


def who(line: Line) -> str:
    """Whose time: the service, or both ends of an edge."""
    return wording.clean(f"{line.service} → {line.callee}" if line.callee else line.service)


def what(line: Line) -> str:
    """The work, as its one span is called; without ids and indexes where it is several."""
    number = len(line.spans)
    return wording.clean(line.label if number < 2 else f"{naming.name_template(line.label)} × {number}")


def notes(line: Line) -> Iterator[str]:
    """What else there is to say of a line."""
    if line.waits_for and line.kind in ("before-work", "statement"):
        yield f"or a wait: {line.waits_for}"
    elif line.waits_for:
        yield f"for somebody: {line.waits_for}"
    if line.when != "during":
        yield f"{line.when} the answer"
    if line.orphan_ns:
        yield "behind a missing span"


def _rest(account: Account, lines: Sequence[Line]) -> str:
    ns = sum(line.ns for line in lines)
    share = wording.share(ns / account.whole) if account.whole else "0%"
    return f"{share:>5} {wording.duration(ns / 1e6):>9}  … {wording.count(len(lines), 'more line')}: --full shows all"
