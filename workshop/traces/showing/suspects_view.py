"""Two populations compared, in the terminal: who is suspected, and what speaks against them."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from workshop.traces import wording
from workshop.traces.suspects.compare import Comparison, Suspect

SUSPECTS, EVIDENCE = 5, 3
WORTH = 0.2  # of the first one's score


class SuspectsView:
    """What Rich prints for a comparison of two populations."""

    def __init__(self, result: Comparison) -> None:
        self.result = result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the comparison as wide as the console."""
        for line in self._lines():
            yield wording.plain(line) if options.ascii_only else line

    def _lines(self) -> Iterator[Text]:
        found = self.result
        counts = f"{wording.count(found.after, 'trace')}, {found.before} before"
        medians = f"median {wording.duration(found.before_ms)} → {wording.duration(found.after_ms)}"
        yield Text(f"{counts}: {medians}", style="bold")
        yield Text()
        if not found.suspects:
            yield Text(found.verdict, style="green")
            return
        shown = [each for each in found.suspects[:SUSPECTS] if each.score >= WORTH * found.suspects[0].score]
        for number, suspect in enumerate(shown, 1):
            yield from _suspect(number, suspect, found.after)
        if len(found.suspects) > len(shown):
            more = wording.count(len(found.suspects) - len(shown), "more service")
            yield Text(f"{more} with little against them: --json lists them", style="dim")
        if found.chance is None:
            yield Text("too few traces to tell change from chance: give at least 5 on each side", style="dim")
        else:
            yield Text(f"so much by chance: {wording.share(found.chance)} at most", style="dim")


def _suspect(number: int, suspect: Suspect, of: int) -> Iterator[Text]:
    heading = Text(f"{number}. {wording.clean(suspect.service)}", style="bold red" if number == 1 else "bold")
    lost = f"  {wording.duration(suspect.ms)} a trace, {wording.share(suspect.share)}" if suspect.ms else ""
    heading.append(f"{lost}  in {suspect.traces} of {of} traces", style="dim")
    yield heading
    for line in suspect.evidence[:EVIDENCE]:
        yield Text(f"   {wording.clean(str(line['text']))}")
        if "trace_id" in line:
            span = f", span {line['span_id']}" if "span_id" in line else ""
            yield Text(f"     for example trace {wording.clean(line['trace_id'])}{span}", style="dim")
    yield Text()
