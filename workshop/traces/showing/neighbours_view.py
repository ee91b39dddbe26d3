"""Who held what a trace waited for, in the terminal."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from workshop.traces import wording
from workshop.traces.model import conventions, naming
from workshop.traces.neighbours.model import Holder, Neighbours, Wait

WAITS, HOLDERS = 5, 5


class NeighboursView:
    """What Rich prints for a trace's neighbours."""

    def __init__(self, found: Neighbours, *, full: bool = False) -> None:
        self.found = found
        self.waits, self.holders = (len(found.waits), 1_000) if full else (WAITS, HOLDERS)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws them as wide as the console."""
        for line in self._lines():
            yield wording.plain(line) if options.ascii_only else line

    def _lines(self) -> Iterator[Text]:
        root = self.found.trace.root
        heading = Text(wording.clean(f"{root.service} {naming.label(root)}  {wording.duration(root.ms)}"), style="bold")
        yield heading.append(f"  trace {self.found.trace.trace_id}", style="dim")
        yield Text(self.found.verdict, style="" if self.found.waits else "green")
        for number, wait in enumerate(self.found.waits[: self.waits], 1):
            yield Text()
            yield from self._wait(number, wait)
        if (more := len(self.found.waits) - self.waits) > 0:
            yield Text()
            yield Text(f"{wording.count(more, 'shorter wait')} more: --full shows them", style="dim")

    def _wait(self, number: int, wait: Wait) -> Iterator[Text]:
        yield Text(f"{number}. {wait.title}", style="bold")
        yield Text(f"   {wait.verdict}", style="yellow")
        for holder in wait.holders[: self.holders]:
            yield _holder(holder)
        if (more := len(wait.holders) - self.holders) > 0:
            yield Text(f"     and {more} more, each for less of it", style="dim")
        for line in wait.evidence:
            yield Text(f"   - {wording.clean(line)}")
        if wait.together:
            first = f"for example trace {wording.clean(wait.together[0])}"
            yield Text(f"   waited, too: {wording.count(len(wait.together), 'trace')}, {first}", style="dim")
        if not wait.holders and wait.kind == "lock" and conventions.db_system(wait.span) == "postgresql":
            yield Text("   next, while it lasts: spans neighbours --now asks PostgreSQL who blocks whom", style="dim")


def _holder(holder: Holder) -> Text:
    line = Text(f"     trace {wording.clean(holder.span.trace_id)}", style="red")
    line.append(f"  {wording.duration(holder.ns / 1e6)}", style="not red")
    if holder.let_go:
        line.append(", let go last", style="not red")
    line.append(f"  {wording.clean(f'{holder.span.service} {naming.label(holder.span)}')}", style="dim not red")
    if holder.sent_by:
        line.append(f"  sent by trace {wording.clean(holder.sent_by)}", style="dim not red")
    return line
