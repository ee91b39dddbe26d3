"""The decisions behind the console's pages: forms, plot, map, data, settings."""

import json
import math
from itertools import combinations, product
from typing import Any

import pytest

from tests.unit.console.conftest import FAST, SLOW, START, FakeJaeger
from tests.unit.console.console_traces import checkout, document, huge, repeats, span
from workshop.console.map_layout import BOX_HEIGHT, BOX_WIDTH, LABEL_HEIGHT, LABEL_WIDTH, Drawing, draw
from workshop.console.scatter import HEIGHT, WIDTH, scatter
from workshop.console.search import search
from workshop.console.search_form import SearchForm, milliseconds
from workshop.console.service_map import Edge, Node, ServiceMap, from_traces
from workshop.console.settings import Settings, SettingsError
from workshop.console.trace_data import MAX_STRETCHES, as_text, trace_data
from workshop.traces.sources.files import traces_of
from workshop.traces.sources.summaries import TraceSummary


def nodes_and_edges(*edges: str) -> ServiceMap:
    """A map from edges like `a>b`."""
    pairs = [edge.split(">") for edge in edges]
    names = {name for pair in pairs for name in pair}
    return ServiceMap({name: Node(name, name, "service") for name in names}, [Edge(a, b) for a, b in pairs], 1)


def column(drawing: Drawing, name: str) -> float:
    """How far right a node stands."""
    return next(box.x for box in drawing.boxes if box.node.key == name)


@pytest.mark.parametrize(
    ("text", "ms"), [("100", 100), ("1.5s", 1500), ("250 ms", 250), ("500us", 0.5), ("2min", 120_000), ("", None)]
)
def test_durations_are_read_with_or_without_unit(text: str, ms: float | None) -> None:
    """A bare number is milliseconds."""
    assert milliseconds("at least", text) == ms


def test_the_form_keeps_out_of_the_address_what_is_at_its_default() -> None:
    """An address holds only what narrows the search."""
    form = SearchForm.from_query({"service": "order", "lookback": "6h", "limit": "50", "sort": "nonsense"})
    assert form.query() == {"service": "order", "lookback": "6h"}
    assert form.query(lookback="24h") == {"service": "order", "lookback": "24h"}


def test_bounds_that_exclude_each_other_are_told() -> None:
    """Looking further back would not help."""
    form = SearchForm.from_query({"min": "2s", "max": "100ms"})
    assert form.errors == ["at least 2s and at most 100ms: nothing is both"]
    assert SearchForm.from_query({"min": "100ms", "max": "2s"}).errors == []


@pytest.mark.parametrize(("limit", "taken"), [("0", 1), ("99999999", 1500), ("-3", 50), ("x", 50)])
def test_the_number_of_traces_is_bounded(limit: str, taken: int) -> None:
    """No address makes Jaeger and the page handle everything there is."""
    assert SearchForm.from_query({"limit": limit}).limit == taken


def test_the_plot_has_the_slowest_on_top_and_all_inside(jaeger: FakeJaeger) -> None:
    """Every dot lies in the picture, slow ones higher, late ones further right."""
    plot = scatter(search(jaeger, SearchForm(), START / 1e9))
    by_id = {dot.trace.trace_id: dot for dot in plot.dots}
    assert by_id[SLOW].y < by_id[FAST].y
    assert by_id[SLOW].x < by_id[FAST].x
    assert all(0 < dot.x < WIDTH and 0 < dot.y < HEIGHT for dot in plot.dots)


@pytest.mark.parametrize("ms", [0.0, 0.004, 882.0, 3.6e6])
def test_the_plot_of_one_trace_of_any_length(jaeger: FakeJaeger, ms: float) -> None:
    """A single trace, even one without length, has a place and an axis."""
    only = TraceSummary("a" * 32, "s", "n", START, START + int(ms * 1e6), 1, 0, 0, {"s": 1})
    found = search(jaeger, SearchForm(), 0)
    found.traces = [only]
    found.groups[0].service, found.groups[0].name = "s", "n"
    plot = scatter(found)
    assert len(plot.dots) == 1
    assert plot.durations[-1].value >= ms
    assert all(math.isfinite(tick.at) for tick in plot.durations)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0, 1.7, 5.5, 61, 3600, 86_400 * 30.0, 1e12])
def test_the_axis_of_time_has_few_times_and_none_twice(jaeger: FakeJaeger, seconds: float) -> None:
    """They are shown to the second, so they are whole seconds when there is more than one."""
    end = START + int(seconds * 1e9)
    found = search(jaeger, SearchForm(), 0)
    found.traces = [TraceSummary("a" * 32, "s", "n", start, start, 1, 0, 0, {"s": 1}) for start in (START, end)]
    found.groups[0].service, found.groups[0].name = "s", "n"
    times = scatter(found).times
    assert 1 <= len(times) <= 6
    assert all(0 < tick.at < WIDTH for tick in times)
    assert len(times) == 1 or all(tick.value % 1000 == 0 for tick in times)


def test_callers_stand_left_of_callees() -> None:
    """The column follows the longest way, so that no arrow but a call back points left."""
    drawing = draw(nodes_and_edges("web>order", "order>stock", "web>stock", "stock>db", "order>db"))
    assert column(drawing, "web") < column(drawing, "order") < column(drawing, "stock") < column(drawing, "db")


def test_an_arrow_past_a_column_goes_through_no_box() -> None:
    """A call over a column gets a free place there, and its label stands in it."""
    drawing = draw(nodes_and_edges("a>b", "b>c", "a>c"))
    arrow = next(each for each in drawing.arrows if (each.edge.parent, each.edge.child) == ("a", "c"))
    for box in drawing.boxes:
        assert not (box.x <= arrow.x <= box.x + BOX_WIDTH and box.y <= arrow.y <= box.y + BOX_HEIGHT)


@pytest.mark.parametrize("edges", [(), ("a>b", "b>a"), ("a>b", "b>c", "c>a", "c>d")])
def test_a_map_with_rings_or_nothing_is_drawn(edges: tuple[str, ...]) -> None:
    """Services that call each other in a ring still get a place each, within the picture."""
    drawing = draw(nodes_and_edges(*edges))
    assert len({(box.x, box.y) for box in drawing.boxes}) == len(drawing.boxes)
    assert all(0 <= box.x <= drawing.width - BOX_WIDTH for box in drawing.boxes)


def test_the_map_follows_a_message_to_the_trace_of_its_consumer() -> None:
    """A consumer in a trace of its own is connected to its producer by the link."""
    sent = span("1" * 32, 1, 0, "send", 4, START, START + 10**6)
    handled = span(
        "2" * 32, 2, 0, "process", 5, START, START + 10**7, links=[{"traceId": "1" * 32, "spanId": f"{1:016x}"}]
    )
    found = from_traces(traces_of(document({"order": [sent], "worker": [handled]})))
    assert [(edge.parent, edge.child, edge.message, edge.p50) for edge in found.edges] == [
        ("order", "worker", True, 10)
    ]


def call(number: int, to: str, status: int, **attributes: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A root that calls an address, and the call: with status 2 it failed."""
    trace_id = str(number) * 32
    known = {"url.full": f"http://{to}/charges", **attributes}
    root = span(trace_id, 10 * number, 0, "root", 2, START, START + 10**7)
    client = span(trace_id, 10 * number + 1, 10 * number, "POST", 3, START, START + 10**7, attributes=known)
    return root, {**client, "status": {"code": status}}


def test_a_service_that_was_away_is_no_stranger() -> None:
    """Where it answered in one trace, a call that reached nobody in another was meant for it, too."""
    root, client = call(1, "127.0.0.1:8083", 0)
    answer = span("1" * 32, 12, 11, "POST /charges", 2, START, START + 10**6)
    away = call(2, "127.0.0.1:8083", 2)
    found = from_traces(traces_of(document({"order": [root, client, *away], "payment": [answer]})))
    assert sorted(found.nodes) == ["order", "payment"]
    assert [(edge.parent, edge.child, edge.sampled, edge.errors) for edge in found.edges] == [
        ("order", "payment", 2, 1)
    ]


def test_what_never_answered_is_said_to_be_so() -> None:
    """Not traced is what answers and has no spans."""
    nobody = from_traces(traces_of(document({"order": [*call(1, "10.0.0.1:1", 2)]})))
    assert [node.what for node in nobody.nodes.values() if node.kind == "outside"] == ["no answer"]
    found = from_traces(traces_of(document({"order": [*call(1, "10.0.0.1:1", 0, **{"http.status_code": "200"})]})))
    assert [node.what for node in found.nodes.values() if node.kind == "outside"] == ["not traced"]


def test_a_call_that_its_caller_alone_calls_failed_counts_as_failed() -> None:
    """By the conventions a 402 is an error of the client's span and none of the server's."""
    root, client = call(1, "127.0.0.1:8083", 2)
    answer = span("1" * 32, 12, 11, "POST /charges", 2, START, START + 10**6)
    (edge,) = from_traces(traces_of(document({"order": [root, client], "payment": [answer]}))).edges
    assert edge.errors == 1


def test_labels_of_arrows_keep_apart() -> None:
    """Neither on one another nor on a box, also where many calls cross."""
    drawing = draw(
        nodes_and_edges("web>order", "order>stock", "order>pay", "order>db", "worker>stock", "worker>pay", "worker>db")
    )
    for one, other in combinations(drawing.arrows, 2):
        assert abs(one.x - other.x) >= LABEL_WIDTH or abs(one.y - other.y) >= LABEL_HEIGHT, (one.edge, other.edge)
    for arrow, box in product(drawing.arrows, drawing.boxes):
        beside = arrow.x + LABEL_WIDTH / 2 <= box.x or arrow.x - LABEL_WIDTH / 2 >= box.x + BOX_WIDTH
        apart = arrow.y + LABEL_HEIGHT / 2 <= box.y or arrow.y - LABEL_HEIGHT / 2 >= box.y + BOX_HEIGHT
        assert beside or apart, (arrow.edge, box.node.key)


def test_the_map_adds_up_a_trace_s_calls_to_a_database() -> None:
    """Of eight quick statements the sum counts: it is what the trace spent there."""
    found = from_traces(traces_of(repeats(SLOW, START)))
    edge = next(edge for edge in found.edges if found.nodes[edge.child].kind == "database")
    assert (edge.sampled, edge.p50) == (8, 72)


def test_the_hot_node_is_where_the_time_was_spent() -> None:
    """Time of a statement counts for the database, not for the service that waited."""
    found = from_traces(traces_of(checkout(SLOW, START, 812)))
    hot = next(node for node in found.nodes.values() if node.hot)
    assert (hot.name, hot.kind) == ("inventory", "database")
    assert sum(node.share for node in found.nodes.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (2**60, str(2**60)),
        (float("nan"), "nan"),
        (b"\x01\xff", "01 ff"),
        (["é", 1], '["é", 1]'),
    ],
)
def test_attribute_values_of_every_type_are_text(value: object, text: str) -> None:
    """A browser's JSON knows neither NaN nor large integers nor bytes."""
    assert as_text(value) == text


def test_the_data_of_a_huge_trace_stays_bounded() -> None:
    """A span with thousands of children sends only its longest gaps."""
    (trace,) = traces_of(huge(SLOW, START, 6_000))
    data = trace_data(trace, {})
    assert len(data["spans"]) == 6_000
    assert max(len(each.get("gaps", ())) for each in data["spans"]) <= MAX_STRETCHES
    assert len(json.dumps(data)) < 6_000 * 400


def test_repeats_are_told_by_their_ids() -> None:
    """Siblings that do the same work are named, so that the page can fold them."""
    (trace,) = traces_of(repeats(SLOW, START))
    assert [len(ids) for ids in trace_data(trace, {})["repeats"]] == [8]


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"BIND": "8085"}, "BIND is '8085'"),
        ({"BIND": "a:b"}, "host:port"),
        ({"JAEGER_URL": "jaeger:16686"}, "JAEGER_URL is"),
    ],
)
def test_a_setting_that_cannot_be_is_named(env: dict[str, str], words: str) -> None:
    """The error says which variable, what it is, and what it should be."""
    with pytest.raises(SettingsError, match=words):
        Settings.from_environment(env)


def test_settings_come_from_the_environment() -> None:
    """A slash at the end is dropped, and extra host names are added to the local ones."""
    settings = Settings.from_environment({"JAEGER_URL": "http://jaeger:16686/", "ALLOWED_HOSTS": "Teach.local, x"})
    assert settings.jaeger_url == "http://jaeger:16686"
    assert {"localhost", "teach.local", "x"} <= settings.allowed_hosts
