"""A diagnosis in the terminal."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text

from workshop.traces import wording
from workshop.traces.diagnosis.findings import Diagnosis, Finding


class DiagnosisView:
    """What Rich prints for a diagnosis: the trace, the verdict, each finding with its evidence and the next step."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Wraps the text to the console's width."""
        for line, indent in _lines(self.diagnosis):
            text = wording.plain(line) if options.ascii_only else line
            yield Padding(text, (0, 0, 0, indent), expand=False) if indent else text


def _lines(diagnosis: Diagnosis) -> Iterator[tuple[Text, int]]:
    """The lines, each with the columns by which it is indented."""
    yield _heading(diagnosis), 0
    yield Text(), 0
    if diagnosis.healthy:
        yield Text(diagnosis.verdict, style="bold green"), 0
    for number, finding in enumerate(diagnosis.problems, 1):
        yield from _finding(f"{number}.", finding, "bold red")
    for finding in diagnosis.findings:
        if finding.severity == "hint":
            yield from _finding("hint:", finding, "yellow")
    if not diagnosis.healthy:
        yield Text(f"longest leg: {diagnosis.leg}", style="dim"), 0


def _heading(diagnosis: Diagnosis) -> Text:
    text = Text()
    text.append(f"{diagnosis.root}  {wording.duration(diagnosis.ms)}", "bold")
    if diagnosis.traces > 1:
        text.append(f" (median of {diagnosis.traces} traces)  {wording.count(diagnosis.spans, 'span')}")
        text.append(f"  typical: trace {diagnosis.trace_id}", "dim")
    else:
        text.append(f"  {wording.count(diagnosis.spans, 'span')}  trace {diagnosis.trace_id}", "dim")
    return text


def _finding(mark: str, finding: Finding, style: str) -> Iterator[tuple[Text, int]]:
    indent = len(mark) + 1
    title = Text(f"{mark} ", style=style)
    title.append(finding.title, "bold" if finding.severity == "problem" else "")
    yield title, 0
    for each in finding.evidence:
        amount = f"{wording.duration(each.ms)}, {wording.share(each.share)}"
        yield Text(f"{each.service} {each.name}  {amount}  span {each.span_id}", style="dim"), indent
    for line in finding.details:
        yield Text(line, style="dim"), indent
    if finding.advice:
        yield Text(f"next: {finding.advice}"), indent
    yield Text(), 0
