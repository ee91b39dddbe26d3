"""Two populations of traces: what changed, by more than chance, and the services suspected of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Any

from workshop.traces import wording
from workshop.traces.model.trace import Trace
from workshop.traces.suspects.growth import Growth, growths
from workshop.traces.suspects.observed import Observed, observe
from workshop.traces.suspects.ranking import Ranked, rank, showing
from workshop.traces.suspects.structure import Break

FEW = 5  # traces on a side, below which chance cannot be told from change
MOST = 1_000  # traces of a side that are compared: more tell no more, and take their time
FLOOR = 0.6  # a score below says nothing
SHUFFLES, CHANCE = 39, 0.1
SEED = 7
SHOWN = 10


@dataclass
class Suspect:
    """A service, and what speaks against it. `ms` is what a new trace lost by it on average, `share` that of the new
    traces' mean time, `traces` how many of the new ones show it."""

    service: str
    what: str
    ms: float
    share: float
    traces: int
    evidence: list[dict[str, Any]]
    score: float

    def as_json(self) -> dict[str, Any]:
        """The suspect as data."""
        return {
            "service": self.service,
            "what": self.what,
            "ms": round(self.ms, 3),
            "share": round(self.share, 4),
            "traces": self.traces,
            "score": round(self.score, 3),
            "evidence": self.evidence,
        }


@dataclass
class Comparison:
    """What changed from `before` to `after` traces. `chance` is how often so much would come about by chance, None
    where there are too few traces to tell; medians in ms. `improved` has the services that take less time, where
    nothing takes more: their `ms` are what a trace from before took more."""

    before: int
    after: int
    before_ms: float
    after_ms: float
    chance: float | None
    suspects: list[Suspect]
    lines: list[Growth]
    improved: list[Suspect]

    @property
    def changed(self) -> bool:
        """Whether anything changed."""
        return bool(self.suspects)

    @property
    def verdict(self) -> str:
        """One sentence."""
        few = f" (too few traces to tell change from chance: give {FEW} on each side)" if self.chance is None else ""
        if self.improved:
            first = self.improved[0]
            return f"nothing takes longer; {first.service} takes less: {first.what}{few}"
        if not self.suspects:
            return f"nothing changed by more than chance explains{few}"
        first = self.suspects[0]
        return f"suspect: {first.service}: {first.what}{few}"

    def as_json(self) -> dict[str, Any]:
        """The comparison as data."""
        return {
            "verdict": self.verdict,
            "changed": self.changed,
            "before_traces": self.before,
            "after_traces": self.after,
            "before_ms": round(self.before_ms, 3),
            "after_ms": round(self.after_ms, 3),
            "chance": self.chance,
            "suspects": [suspect.as_json() for suspect in self.suspects],
            "improved": [suspect.as_json() for suspect in self.improved],
            "lines": [_line(grown) for grown in self.lines],
        }


def compare(before: Sequence[Trace], after: Sequence[Trace]) -> Comparison:
    """Compares two populations, of any operations and of any sizes above none."""
    return compare_observed(observe(_thinned(before)), observe(_thinned(after)))


def compare_observed(old: list[Observed], new: list[Observed]) -> Comparison:
    """The same for traces that were observed already."""
    few = min(len(old), len(new)) < FEW
    ranked, chance = _certain(old, new, few)
    lines = [grown for grown in growths(old, new, few=few) if grown.weight > 0] if ranked else []
    better = [] if ranked else [each for each in _certain(new, old, few)[0] if each.growths]
    return Comparison(
        len(old),
        len(new),
        median(each.ms for each in old),
        median(each.ms for each in new),
        chance,
        [_suspect(each, new) for each in ranked[:SHOWN]],
        sorted(lines, key=lambda grown: -grown.change),
        [_suspect(_turned(each), old) for each in better[:SHOWN]],
    )


def _certain(old: list[Observed], new: list[Observed], few: bool) -> tuple[list[Ranked], float | None]:
    """The services that something speaks against, none where it may be chance; and how often it would be."""
    ranked = [each for each in rank(old, new, few=few) if each.score > 0]
    score = ranked[0].score if ranked else 0.0
    chance = None if few else _chance(old, new, ranked) if score >= FLOOR else 1.0
    return (ranked if score >= FLOOR and (chance is None or chance <= CHANCE) else []), chance


def _turned(ranked: Ranked) -> Ranked:
    """What was found from after to before, told from before to after."""
    grown = [
        replace(g, before=g.after, after=g.before, before_count=g.after_count, after_count=g.before_count)
        for g in ranked.growths
    ]
    return Ranked(ranked.service, ranked.score, grown)


def _thinned(traces: Sequence[Trace]) -> Sequence[Trace]:
    """At most MOST of them, evenly spread."""
    return traces if len(traces) <= MOST else [traces[i * len(traces) // MOST] for i in range(MOST)]


def _most_certain(ranked: list[Ranked]) -> float:
    return max((each.certainty for each in ranked), default=0.0)


def _chance(old: list[Observed], new: list[Observed], ranked: list[Ranked]) -> float:
    """How often traces dealt at random to the two sides have something as certain against some service.

    It is stopped as soon as that is too often to matter.
    """
    certainty = _most_certain(ranked)
    dealt = [*old, *new]
    dealer = random.Random(SEED)
    as_high = 0
    for shuffle in range(1, SHUFFLES + 1):
        dealer.shuffle(dealt)
        as_high += _most_certain(rank(dealt[: len(old)], dealt[len(old) :])) >= certainty
        if as_high > CHANCE * (SHUFFLES + 1) - 1:
            return round((as_high + 1) / (shuffle + 1), 3)
    return round((as_high + 1) / (SHUFFLES + 1), 3)


def _suspect(ranked: Ranked, new: list[Observed]) -> Suspect:
    traces = showing(ranked.growths, new)
    for broken in ranked.breaks:
        traces |= _showing(broken, new)
    ms = sum(abs(grown.change) for grown in ranked.growths) / len(new)
    whole = fmean(each.ms for each in new)
    heaviest: list[tuple[float, dict[str, Any]]] = [(g.weight, _line(g, new)) for g in ranked.growths]
    heaviest += [(b.weight * b.services[ranked.service], _broken(b, new)) for b in ranked.breaks]
    heaviest.sort(key=lambda each: -each[0])
    evidence = [line for _, line in heaviest[:SHOWN]]
    share = min(1.0, ms / whole) if whole else 0.0
    return Suspect(ranked.service, str(evidence[0]["text"]), ms, share, len(traces), evidence, ranked.score)


def _showing(broken: Break, new: list[Observed]) -> set[str]:
    """The new traces in which a step failed, or lacks what it called."""
    wanted = broken.kind == "errors"
    return {t.trace_id for t in new if any((broken.child in m.below) is wanted for m in t.steps.get(broken.step, ()))}


_WAYS = {
    "way-there": "before {callee} began on {what}",
    "way-back": "after {callee} had answered {what}",
    "way": "on the way to {callee} and back, {what}",
    "external-call": "waiting for {callee}, {what}",
    "delivery": "before {callee} took {what}",
}


def _line(grown: Growth, new: Sequence[Observed] = ()) -> dict[str, Any]:
    """A growth as data, with the span that shows it most."""
    work = grown.work
    where = _WAYS.get(work.kind, "{what}").format(callee=work.callee or "it", what=wording.clean(work.what)[:120])
    change = f"{wording.duration(grown.before)} → {wording.duration(grown.after)}"
    line: dict[str, Any] = {
        "kind": work.kind,
        "service": work.service,
        "callee": work.callee,
        "what": work.what,
        "text": f"{work.service} {where}: {change} each",
        "before_ms": round(grown.before, 3),
        "after_ms": round(grown.after, 3),
        "before_count": grown.before_count,
        "after_count": grown.after_count,
        "z": round(grown.z, 2),
    }
    seen = [(ms, each.trace_id, span_id) for each in new for ms, span_id in each.work.get(work, ())]
    if seen:
        _, line["trace_id"], line["span_id"] = max(seen)
    return line


def _broken(broken: Break, new: Sequence[Observed]) -> dict[str, Any]:
    step, child = broken.step, broken.child
    name = f"{step.service} {wording.clean(step.name)}"
    if broken.kind == "errors":
        text = f"{name} fails: {wording.share(broken.before)} → {wording.share(broken.after)} of the time"
    else:
        after = f", ends with {wording.clean(broken.last.name)}" if broken.last else ""
        rate = f"{wording.share(broken.before)} → {wording.share(broken.after)} of the time"
        text = f"{name} calls {wording.clean(child.name)} less often{after}: {rate}"
    line: dict[str, Any] = {
        "kind": broken.kind,
        "service": step.service,
        "what": step.name,
        "child": child.name,
        "text": text,
        "before_rate": round(broken.before, 4),
        "after_rate": round(broken.after, 4),
        "z": round(broken.z, 2),
    }
    shown = sorted(_showing(broken, list(new)))
    return line | ({"trace_id": shown[0]} if shown else {})
