"""N+1 that no single trace is slow by: calls of one kind in numbers that differ from one request to the next."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from urllib.parse import parse_qs, urlsplit

from workshop.traces import wording
from workshop.traces.diagnosis.findings import shown
from workshop.traces.diagnosis.population.crowd import Common, Crowd
from workshop.traces.model import conventions, naming
from workshop.traces.model.trace import Span, Trace

MANY = 5
MANY_THINGS = 4  # calls that say by their addresses that each is for another thing
LEAST = 3  # traces with so many
ONE_BY_ONE = 0.8  # of them begin when the one before has ended: else it is a fan-out that is meant
COUNTED = 0.9  # of the requests have an attribute that says how many there will be
SAVED = 0.5  # of the calls could be saved, at least, to be more than a hint
# Of a parameter with such a name the next value is only known from the answer before.
_PAGES = ("page", "offset", "cursor", "after", "start", "from", "skip", "token", "marker")
Family = tuple[Trace, Span, list[Span]]


def repeated(crowd: Crowd) -> Iterator[Common]:
    """Statements or calls that are made once for each of something, where once for all of them would do."""
    found: dict[tuple[str, ...], list[Family]] = defaultdict(list)
    for trace in crowd.mine.values():
        for parent in trace.spans:
            groups: dict[tuple[str, ...], list[Span]] = defaultdict(list)
            for child in trace.children(parent):
                if conventions.is_db(child) or conventions.is_call(child):
                    groups[naming.same_work(child)].append(child)
            for key, group in groups.items():
                if not any(span.is_error for span in group):  # those are attempts, and no list of things
                    found[(*key, naming.name_template(naming.label(parent)))].append((trace, parent, group))
    for key, families in found.items():
        combs = [each for each in families if _is_comb(each[2])]
        if len(combs) >= LEAST and len({len(group) for _, _, group in combs}) >= 2:
            yield from _comb(crowd, key, combs, families)


def _is_comb(group: list[Span]) -> bool:
    if len(group) < (MANY_THINGS if _of_things(group) else MANY) or _is_paging(group):
        return False
    return sum(two.start >= one.end - 1_000 for one, two in pairwise(group)) >= ONE_BY_ONE * (len(group) - 1)


def _of_things(group: list[Span]) -> bool:
    """Whether each call has an address of its own."""
    return len({str(conventions.url(span)) for span in group if conventions.is_call(span)}) == len(group)


def _is_paging(group: list[Span]) -> bool:
    queries = [urlsplit(str(conventions.url(span))).query for span in group if conventions.is_call(span)]
    return any(page in name.lower() for query in queries for name in parse_qs(query) for page in _PAGES)


def _comb(crowd: Crowd, key: tuple[str, ...], combs: list[Family], families: list[Family]) -> Iterator[Common]:
    combs.sort(key=lambda each: -len(each[2]))
    sizes = sorted(len(group) for _, _, group in families)
    parent, first = combs[0][1], combs[0][2][0]
    database = conventions.is_db(first)
    counted = _counted_by(families)
    follows = f", as many as {wording.clean(counted)} says" if counted else ""
    title = (
        f"the same {'statement' if database else 'call'} once for each of many (N+1): {shown(first)} under "
        f"{shown(parent)}, {sizes[0]} to {sizes[-1]} times, one after another, another number in each request{follows}"
    )
    advice = (
        "fetch all of it with one statement: a join, or = ANY(…) with the whole list"
        if database
        else "ask for all of them in one request; where nobody waits for it, it is load for the callee all the same"
    )
    told = crowd.finding(
        "repeated", title, [parent for _, parent, _ in combs], advice,
        about=" ".join(key), severity="problem" if _matters(crowd, combs, families) else "hint", weight=0.15,
    )  # fmt: skip
    if told:
        ids = {span.span_id for _, parent, group in families for span in (parent, *group)}
        yield Common(told, lambda each: each.rule in ("repeated", "sequential") and each.evidence[0].span_id in ids)


def _matters(crowd: Crowd, combs: list[Family], families: list[Family]) -> bool:
    """Whether most of the calls are needless; and, for statements, whether somebody waits for them."""
    calls = sum(len(group) for _, _, group in families)
    if calls - len(families) < SAVED * calls:
        return False
    if not conventions.is_db(combs[0][2][0]):
        return True
    took = median(sum(span.ms for span in group) for _, _, group in combs)
    whole = median(trace.root.ms for trace, _, _ in combs)
    return took >= crowd.limits.repeats_ms and took >= crowd.limits.repeats_share * whole


def _counted_by(families: list[Family]) -> str:
    """The attribute that says in nearly every request how many there will be; "" where there is none."""
    agree: dict[str, int] = defaultdict(int)
    for trace, _, group in families:
        names = {
            name
            for span in trace.spans
            if span.kind != "client"
            for name, value in span.attributes.items()
            if isinstance(value, int) and not isinstance(value, bool) and value == len(group)
        }
        for name in names:
            agree[name] += 1
    best = max(agree, key=lambda name: agree[name], default="")
    return best if best and agree[best] >= COUNTED * len(families) else ""
