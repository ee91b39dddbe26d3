"""A process that stands still: for whole periods, wherever it is, or while one of its requests is at work."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from workshop.traces import wording
from workshop.traces.diagnosis.findings import Finding, shown
from workshop.traces.diagnosis.population.crowd import Common, Crowd
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span
from workshop.traces.neighbours.processes import Processes
from workshop.traces.time.self_time import gaps

# The period of Linux' CPU controller (cpu.max, cpu.cfs_period_us) where nobody sets another. Who is frozen in it goes
# on when the next one begins: what is silent is so for whole periods.
PERIOD_MS = 100.0
NEAR_MS = 17.0
SHORTEST_MS = 60.0
LEAST = 15
SHARE = 0.7  # of the silent stretches; by chance a third of them would be near a whole period
PLACES = 3
ONE_PLACE = 0.8  # of the stretches in their commonest place, at most: else it is that place
_RULES = ("slow-statement", "waiting", "own-code", "spread", "most-of-it", "pool", "lock")


def whole_periods(crowd: Crowd) -> Iterator[Common]:
    """Services that are silent for whole periods, in statements of several kinds and between them."""
    silent: dict[str, list[tuple[float, str, Span]]] = defaultdict(list)
    for (service, _), units in crowd.units.items():
        for unit in units:
            children = unit.trace.children(unit.span)
            silent[service] += [
                (child.ms, naming.short_label(child), unit.span) for child in children if conventions.is_db(child)
            ]
            for gap in gaps(unit.trace, unit.span):
                after = naming.short_label(gap.after) if gap.after else "the end"
                silent[service].append((gap.ms, f"before {after}", unit.span))
    for service, stretches in silent.items():
        long = [each for each in stretches if each[0] >= SHORTEST_MS]
        whole = [each for each in long if abs(each[0] - PERIOD_MS * round(each[0] / PERIOD_MS)) <= NEAR_MS]
        places = Counter(place for _, place, _ in whole)
        if len(whole) < LEAST or len(whole) < SHARE * len(long) or len(places) < PLACES:
            continue
        if max(places.values()) <= ONE_PLACE * len(whole):
            yield from _frozen(crowd, service, len(long), whole, places)


def _frozen(
    crowd: Crowd, service: str, number: int, whole: list[tuple[float, str, Span]], places: Counter[str]
) -> Iterator[Common]:
    often = Counter(span.span_id for _, _, span in whole)
    spans = {span.span_id: span for _, _, span in whole}
    commonest = ", ".join(f"{wording.clean(place)} {times}×" for place, times in places.most_common(3))
    title = (
        f"{wording.clean(service)} stands still for whole periods of {PERIOD_MS:.0f} ms: {len(whole)} of {number} "
        f"stretches in which it is silent, in {len(places)} places ({commonest})"
    )
    advice = (
        "a quota of CPU time freezes the process until the next period: look at the container's CPU limit and at "
        "nr_throttled in cpu.stat, and raise the limit or do without; no statement is slow"
    )
    told = crowd.finding(
        "cpu-quota", title, sorted(spans.values(), key=lambda span: -often[span.span_id]), advice,
        about=service, weight=1.0,
    )  # fmt: skip
    if told:
        yield Common(told, _of_service(service))


def _of_service(service: str) -> Callable[[Finding], bool]:
    def explained(finding: Finding) -> bool:
        services = {each.service for each in finding.evidence[:2]}
        return finding.rule in _RULES and wording.clean(service) in services

    return explained


def one_at_work(crowd: Crowd) -> Iterator[Common]:
    """Code that lets nobody else of its process run: the others stand still wherever they are, it always at one place.

    One interpreter lock, one event loop: what the others seem to wait for differs from one time to the next.
    """
    for busy in Processes(crowd.traces).at_work():
        service, spans = busy.process[0], [one.span for one in busy.there]
        shortest, longest = wording.duration(busy.there[-1].ms), wording.duration(busy.there[0].ms)
        title = (
            f"the time is in {wording.clean(service)} itself: {shown(spans[0])} recorded nothing for "
            f"{shortest} to {longest} {wording.clean(busy.place)}; "
            f"in {busy.times} of the {busy.of} times that the whole process stood still a request was there, and "
            f"{wording.count(busy.others, 'other')} stood still with it, wherever they were"
        )
        advice = (
            "profile what happens there: code that lets nobody else run; what the others seem to wait for is not slow"
        )
        told = crowd.finding("own-code", title, spans, advice, about=f"{service} {busy.place}", weight=1.0)
        if told:
            yield Common(told, _of_service(service))
