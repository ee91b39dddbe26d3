"""A regular expression that backtracks: time of the service's own, in which no other span explains anything."""

from statistics import median

from workshop.changes.kinds import Release
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import LEAST, is_statement, spans
from workshop.traces.neighbours.processes import Processes
from workshop.traces.time.self_time import Gap, gaps

SLOW_MS = 60.0
# The same place in so many of the slow ones, where they do not wait for one another.
SHARE = 0.8


def signature(population: Population) -> Proof:
    """Long gaps within inventory's server spans, always between the same two statements, in some requests only."""
    biggest = [
        (max(gaps(trace, span), key=lambda gap: gap.end - gap.start), span)
        for trace, span in spans(population, "inventory", "POST /reservations", "server")
        if trace.children(span)
    ]
    slow = [(gap, span) for gap, span in biggest if gap.ms >= SLOW_MS and gap.ms >= 0.5 * span.ms]
    slow.sort(key=lambda pair: -pair[0].ms)
    between = [_place(gap) for gap, _ in slow if None not in _place(gap)]
    if len(between) < LEAST:
        return Proof(f"{len(between)} reservations have a gap between two statements that is most of them")
    most = max(set(between), key=between.count)
    place, number, others = f"after {most[0]} and before {most[1]}", len(slow), ""
    slow = [pair for pair in slow if _place(pair[0]) == most]
    if len(slow) < SHARE * number:
        # Where several are in inventory at once, all of them stand still with the one that is at work.
        busy = [each for each in Processes(population.traces).at_work() if each.process[0] == "inventory"]
        if not busy or busy[0].place != place:
            return Proof(f"{len(slow)} of {number} gaps are {place}")
        others = f"; {busy[0].others} others stand still with them"
    lengths = [gap.ms for gap, _ in biggest if _place(gap) == most]
    if max(lengths) < 4 * max(min(gap.ms for gap, _ in biggest), 1):
        return Proof("all requests have the same gap")
    told = f"{len(slow)} of {len(biggest)} reservations are silent between {most[0]} and {most[1]}"
    return Proof(f"{told}, for {median(lengths):.0f} to {max(lengths):.0f} ms{others}", [span for _, span in slow])


def _place(gap: Gap) -> tuple[str | None, str | None]:
    before, after = (each.name if each and is_statement(each) else None for each in (gap.before, gap.after))
    return before, after


SCENARIO = Scenario(
    name="own-code",
    title="A regular expression backtracks on products with long names",
    audience="customers",
    page="Some checkouts take seconds, and it is always the same products. The database is idle.",
    over="A reservation takes as long as its statements.",
    changes=lambda: [
        Release(service="inventory", name="own-code", patch="workshop/scenarios/own_code/inventory.patch")
    ],
    cures=["roll the release of inventory back", "an expression whose parts cannot match the same text in two ways"],
    signature=signature,
    diagnosis="the time is in inventory itself",
    diagnosis_of_one="dark time: inventory POST /reservations",
    look_alikes={
        "starved-cpu": "there the gaps are anywhere, within statements, too; here between the same two statements",
        "pool-too-small": "there the gap is before the first statement",
    },
)
