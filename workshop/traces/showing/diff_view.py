"""A comparison in the terminal: the tree, before, after, change, and a bar for each leg's own part in it.

The change of a leg holds that of everything below it; the bar is only for its self time on the critical path.
"""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from workshop.traces import wording
from workshop.traces.comparison.populations import UNNOTICED_MS, PopulationDiff, PopulationLeg
from workshop.traces.comparison.two_traces import Diff, Leg

NARROW = 110  # columns, below which only the medians are shown
# Below a comparison of two populations. The interval is the bootstrap's, see comparison.populations.
LEGEND = (
    "change: of the median. bar: the part that is the leg's own, not of the legs below",
    "change A to B: the median changed by something in between, at 99% confidence",
    f"real: yes; noise (A to B holds 0); small (under {UNNOTICED_MS:.0f} ms: nobody notices); ? (too few to tell)",
)
LEAST_BAR = 8  # columns
SHOWN = 60  # legs; a trace of thousands has most of them unchanged


class DiffView:
    """What Rich prints for a comparison; `full` shows every leg."""

    def __init__(self, result: Diff | PopulationDiff, *, full: bool = False) -> None:
        self.result = result
        self.full = full

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the comparison as wide as the console."""
        verdict = Text(self.result.verdict, style="bold")
        for line in (verdict, *_lines(self.result, options.max_width, self.full, fancy=not options.ascii_only)):
            yield wording.plain(line) if options.ascii_only else line


def _lines(result: Diff | PopulationDiff, width: int, full: bool, *, fancy: bool) -> Iterator[Text]:
    legs: list[Leg | PopulationLeg] = list(result.legs)
    hidden = 0
    if not full and len(legs) > SHOWN:
        telling = sorted(range(len(legs)), key=lambda i: -max(abs(legs[i].change_ms), abs(_own(legs[i]))))[:SHOWN]
        hidden = len(legs) - SHOWN
        legs = [legs[i] for i in sorted({0, *telling})]
    narrow = width < NARROW
    indents = [(" " if narrow else "  ") * min(leg.depth, 16) for leg in legs]
    names = [indent + leg.name + _times(leg) for indent, leg in zip(indents, legs, strict=True)]
    service_width = min(max(cell_len(leg.service) for leg in legs), max(9, width // 8))
    columns = _headings(result, narrow)
    fixed = service_width + sum(len(text) + 1 for text in columns) + 4
    name_width = max(
        16, min(max(map(cell_len, names)), width - fixed - LEAST_BAR if narrow else (width - fixed) * 70 // 100)
    )
    biggest = result.biggest
    # The name of the biggest change is never cut: it takes room from the bars, and then from its indent.
    needed = next(
        (cell_len(indent + leg.short) for indent, leg in zip(indents, legs, strict=True) if leg is biggest), 0
    )
    name_width = max(name_width, min(needed, width - fixed - LEAST_BAR))
    names = [
        name if cell_len(name) <= name_width else _shorter(indent, leg, name_width if leg is biggest else 0)
        for name, indent, leg in zip(names, indents, legs, strict=True)
    ]
    bar_width = max(width - fixed - name_width, 4)
    most = max((abs(_own(leg)) for leg in legs), default=0) or 1
    heading = f"  {wording.fit('service', service_width)} {wording.fit('span', name_width)} " + " ".join(columns)
    yield Text(heading, style="dim", no_wrap=True, overflow="crop")
    for leg, name in zip(legs, names, strict=True):
        mark = "▶" if fancy else ">"
        style = _style(leg)
        text = Text(no_wrap=True, overflow="crop")
        text.append(f"{mark if leg is biggest and abs(_own(leg)) > 0 else ' '} ", "bold yellow")
        text.append(f"{wording.fit(leg.service, service_width)} {wording.fit(name, name_width)} ", style)
        for value, column in zip(_cells(leg, narrow), columns, strict=True):
            text.append(f"{value:>{len(column)}} ", style)
        bar = round(abs(_own(leg)) / most * bar_width)
        text.append(" " + ("█" if fancy else "#") * bar, style or "dim")
        text.rstrip()
        yield text
    if isinstance(result, PopulationDiff):
        yield from map(_legend, LEGEND)
    if hidden:
        yield Text(f"  … {wording.count(hidden, 'leg')} that changed less left out: --full shows all", style="dim")


def _shorter(indent: str, leg: Leg | PopulationLeg, room: int) -> str:
    """The name without where it leads; with a `room`, in columns, its indent is cut before it is."""
    short = leg.short + _times(leg)
    return indent[: max(room - cell_len(short), 0)] + short if room else indent + short


def _legend(line: str) -> Text:
    return Text(line, style="dim")


def _headings(result: Diff | PopulationDiff, narrow: bool) -> list[str]:
    if isinstance(result, Diff):
        return ["   before", "    after", "     change"]
    if narrow:
        return ["p50 then", " p50 now", "  change", " real"]
    return ["  p50 then", "   p50 now", "  p95 then", "   p95 now", "     change", " real"]


def _cells(leg: Leg | PopulationLeg, narrow: bool) -> list[str]:
    change = {"appeared": "appeared", "vanished": "vanished"}.get(leg.change) or wording.signed(leg.change_ms)
    if isinstance(leg, Leg):
        before = wording.duration(leg.before_ms) if leg.before_count else "-"
        after = wording.duration(leg.after_ms) if leg.after_count else "-"
        return [before, after, change]
    real = "small" if leg.real and not leg.noticed else {True: "yes", False: "noise", None: "?"}[leg.real]
    sides = [(side.p50, side.p95) if side.values else None for side in (leg.before, leg.after)]
    cells = [wording.duration(side[index]) if side else "-" for index in ((0,) if narrow else (0, 1)) for side in sides]
    return [*cells, change, real]


def _times(leg: Leg | PopulationLeg) -> str:
    if isinstance(leg, PopulationLeg) or max(leg.before_count, leg.after_count) < 2:
        return ""
    return f" × {leg.before_count} → {leg.after_count}"


def _own(leg: Leg | PopulationLeg) -> float:
    return leg.own_change if isinstance(leg, Leg) else leg.own


def _style(leg: Leg | PopulationLeg) -> str:
    """Red for slower, green for faster; none for what is small or may be noise."""
    if isinstance(leg, PopulationLeg) and not leg.noticed and leg.real is not None:
        return "dim"
    if leg.change != "same":
        return "magenta"
    before = leg.before_ms if isinstance(leg, Leg) else leg.before.p50
    if abs(leg.change_ms) < max(1.0, before * 0.1):
        return ""
    return "red" if leg.change_ms > 0 else "green"
