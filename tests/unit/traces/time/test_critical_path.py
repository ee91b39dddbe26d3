"""Self time, critical path, gaps: by example and by property."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.traces.trace_shapes import T0, call, server, span, sql, trace
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.critical_path import critical_path, on_path
from workshop.traces.time.legs import longest_leg
from workshop.traces.time.self_time import gaps, self_time


def path_of(made: Trace) -> list[tuple[str, float, float]]:
    """The critical path as (name, from, to) in ms."""
    return [(s.span.name, (s.start - T0) / 1e6, (s.end - T0) / 1e6) for s in critical_path(made)]


def test_one_after_another() -> None:
    """Sequential children are all on the path, with the parent between them."""
    made = trace(span("a", "root", 0, 10, span("a", "x", 1, 3), span("a", "y", 6, 3)))
    assert path_of(made) == [("root", 0, 1), ("x", 1, 4), ("root", 4, 6), ("y", 6, 9), ("root", 9, 10)]


def test_side_by_side() -> None:
    """Of parallel children only the one that finished last is on the path."""
    made = trace(span("a", "root", 0, 10, span("a", "short", 1, 3), span("a", "long", 1, 8)))
    assert path_of(made) == [("root", 0, 1), ("long", 1, 9), ("root", 9, 10)]


def test_a_child_that_outlives_its_parent_is_cut() -> None:
    """The root's time is what is explained, so the path ends with the root."""
    made = trace(span("a", "root", 0, 10, span("a", "late", 8, 500)))
    assert path_of(made) == [("root", 0, 8), ("late", 8, 10)]


def test_what_only_follows_is_not_on_the_path() -> None:
    """A consumer and a FOLLOWS_FROM child do not keep the parent waiting."""
    for fields in ({"kind": "consumer"}, {"follows": True}):
        made = trace(span("a", "root", 0, 10, span("b", "later", 2, 7, **fields)))
        assert path_of(made) == [("root", 0, 10)]
        assert self_time(made, made.root) == 10_000_000


def test_the_story_of_the_missing_index() -> None:
    """The path of the slow checkout goes down to the statement."""
    made = trace(
        server("gateway", "POST /checkout", 0, 100, call("gateway", "POST http://o/orders", 1, 98, server(
            "order", "POST /orders", 2, 96, sql("order", "SELECT 1", 3, 90))))
    )  # fmt: skip
    leg = longest_leg(made, critical_path(made))
    assert (leg.span.service, leg.ns) == ("order", 90_000_000)


def test_repeats_count_as_one_leg() -> None:
    """Forty statements of 2 ms are a longer leg than one of 30 ms."""
    made = trace(
        span("a", "root", 0, 130, sql("a", "SELECT 2", 1, 30),
             *[sql("a", f"SELECT {n} FROM t WHERE id = {n}", 40 + 2 * n, 2) for n in range(40)])
    )  # fmt: skip
    leg = longest_leg(made, critical_path(made))
    assert len(leg.spans) == 40 and leg.ns == 80_000_000 and leg.label.endswith("× 40")


def test_gaps_know_their_neighbours() -> None:
    """Each gap says which child came before it and which after."""
    made = trace(span("a", "root", 0, 10, span("a", "x", 2, 3), span("a", "inside x", 3, 1), span("a", "y", 7, 3)))
    found = [(g.ms, g.before and g.before.name, g.after and g.after.name) for g in gaps(made, made.root)]
    assert found == [(2, None, "x"), (2, "x", "y")]


def test_microseconds_cut_off_do_not_break_the_chain() -> None:
    """Jaeger's whole microseconds let calls overlap by a hair; they still count as one after another."""
    made = trace(span("a", "root", 0, 10, span("a", "x", 1, 4.0005), span("a", "y", 5, 4)))
    assert {name for name, *_ in path_of(made)} == {"root", "x", "y"}


def steps(*times: tuple[str, float, float]) -> Trace:
    """A root of 1000 ms with a child for each (name, from, to)."""
    return trace(span("a", "root", 0, 1000, *[span("a", name, low, high - low) for name, low, high in times]))


def test_a_small_overlap_is_one_after_the_other() -> None:
    """CRISP allows an overlap of less than 1 % of the parent: the earlier step is on the path up to the later one."""
    assert path_of(steps(("x", 5, 705), ("y", 704.9, 995))) == [
        ("root", 0, 5), ("x", 5, 704.9), ("y", 704.9, 995), ("root", 995, 1000)
    ]  # fmt: skip
    assert {name for name, *_ in path_of(steps(("x", 5, 705), ("y", 695.1, 995)))} == {"root", "x", "y"}


def test_a_large_overlap_is_side_by_side() -> None:
    """From 1 % of the parent on, the later step did not wait for the earlier one."""
    for start in (695, 500):
        assert {name for name, *_ in path_of(steps(("x", 5, 705), ("y", start, 995)))} == {"root", "y"}


def test_an_overlap_in_which_more_happened_proves_nothing() -> None:
    """CRISP: in the overlap only the later step may begin and only the earlier one may end."""
    third = ("z", 702, 704)
    assert "x" not in {name for name, *_ in path_of(steps(("x", 5, 705), third, ("y", 701, 995)))}


def test_a_chain_of_small_overlaps() -> None:
    """Five steps, each 1 ms before the end of the last one, are all on the path."""
    names = {name for name, *_ in path_of(steps(*[(f"s{n}", 10 + 190 * n, 201 + 190 * n) for n in range(5)]))}
    assert names == {"root", *(f"s{n}" for n in range(5))}


@st.composite
def trees(draw: st.DrawFn) -> Trace:
    """Any trace of up to 40 spans: children may start early, end late, overlap, and be of any kind."""
    size = draw(st.integers(1, 40))
    found = []
    for number in range(size):
        start = draw(st.integers(0, 1000)) * 1000
        found.append(
            Span(
                trace_id="t",
                span_id=f"{number:016x}",
                parent_id=f"{draw(st.integers(0, number - 1)):016x}" if number else None,
                service=draw(st.sampled_from("abc")),
                name=f"s{number}",
                kind=draw(st.sampled_from(["internal", "server", "client", "producer", "consumer"])),
                start=T0 + start,
                end=T0 + start + draw(st.integers(0, 1000)) * 1000,
                follows=draw(st.booleans()) if number else False,
            )
        )
    return Trace(found, adjust_clocks=draw(st.booleans()))


@given(trees())
@settings(max_examples=300, deadline=None)
def test_the_path_covers_the_root_without_overlap(made: Trace) -> None:
    """The sections follow each other without gap or overlap and add up to the root's duration."""
    path = critical_path(made)
    now = made.root.start
    for section in path:
        assert section.start == now and section.end > section.start
        assert section.span.start <= section.start and section.end <= section.span.end
        now = section.end
    assert now == made.root.end
    assert sum(on_path(path).values()) == made.root.duration


@given(trees())
@settings(max_examples=300, deadline=None)
def test_self_time_is_the_span_without_its_children(made: Trace) -> None:
    """Counted microsecond by microsecond it is the same."""
    for each in made.spans[:5]:
        covered: set[int] = set()
        for child in made.children(each):
            if child.waited_for:
                covered.update(range(child.start // 1000, child.end // 1000))
        expected = [tick for tick in range(each.start // 1000, each.end // 1000) if tick not in covered]
        assert self_time(made, each) == len(expected) * 1000


@given(trees())
@settings(max_examples=100, deadline=None)
def test_self_time_on_the_path_is_no_more_than_self_time(made: Trace) -> None:
    """Nothing waits for a span longer than it exists; overlapping siblings are left to the parent."""
    for span_id, ns in on_path(critical_path(made)).items():
        assert 0 < ns <= made.by_id[span_id].duration


def test_a_hundred_thousand_spans_deep_and_wide() -> None:
    """The path through very large traces is found without recursion."""
    deep = [
        Span("t", f"{i:016x}", f"{i - 1:016x}" if i else None, "a", "s", "internal", T0 + i, T0 + 1_000_000 - i)
        for i in range(100_000)
    ]
    assert sum(s.end - s.start for s in critical_path(Trace(deep))) == 1_000_000
    wide = [Span("t", f"{0:016x}", None, "a", "root", "internal", T0, T0 + 1_000_000)]
    wide += [
        Span("t", f"{i:016x}", f"{0:016x}", "a", "s", "internal", T0 + i * 10, T0 + i * 10 + 9)
        for i in range(1, 99_999)
    ]
    made = Trace(wide)
    assert len(critical_path(made)) == 2 * 99_998 + 1
    assert self_time(made, made.root) == 1_000_000 - 99_998 * 9
