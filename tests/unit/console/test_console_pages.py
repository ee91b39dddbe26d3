"""The console's pages, as they come from the server."""

import json
import re
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.unit.console.conftest import FAST, SLOW, START, FakeJaeger
from tests.unit.console.console_traces import HOSTILE, checkout, document, hostile, span
from workshop.traces.sources.files import load_file
from workshop.traces.sources.jaeger import JaegerError, JaegerUnavailable

Page = Callable[..., str]
HOSTILE_ID = "c" * 32


def data_in(page: str) -> dict:  # type: ignore[type-arg]
    """The data that the trace page draws."""
    found = re.search(r'<script type="application/json" id="trace-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def plot_in(page: str) -> dict:  # type: ignore[type-arg]
    """The data that the plot draws."""
    found = re.search(r'<script type="application/json" id="plot-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_clocks_that_were_corrected_are_told_and_can_be_had_as_recorded(jaeger: FakeJaeger, text_of: Page) -> None:
    """By how much spans were moved, a link to the times as they came, and one back."""
    (skewed,) = load_file(Path(__file__).parents[2] / "fixtures" / "traces" / "go_clock_skew.otlp.json")
    jaeger.traces[skewed.trace_id] = skewed
    page = text_of(f"/trace/{skewed.trace_id}")
    assert "2 spans moved by up to 3.00 s" in page and 'href="?clocks=raw"' in page
    raw = text_of(f"/trace/{skewed.trace_id}?clocks=raw")
    assert "moved by" not in raw and "times as they were recorded" in raw and 'href="?" id="clocks"' in raw
    corrected, recorded = (max(span.get("start", 0) for span in data_in(each)["spans"]) for each in (page, raw))
    assert corrected < 1000 and recorded > 3000
    assert 'id="clocks"' not in text_of(f"/trace/{FAST}")


def test_search_lists_each_trace_and_plots_it(text_of: Page) -> None:
    """A trace has a row in the table that leads to its page, and a dot in the plot, the older one first."""
    page = text_of("/")
    for trace_id in (SLOW, FAST):
        assert page.count(f'href="/trace/{trace_id}"') == 1
    assert "872 ms" in page
    assert [dot[1:] for dot in plot_in(page)["dots"]] == [[872, 0, 0, SLOW], [61, 0, 0, FAST]]


def test_the_first_page_shows_checkouts_and_others_are_a_click_away(text_of: Page, jaeger: FakeJaeger) -> None:
    """Messages and the catalogue are neither listed nor plotted until somebody asks for them."""
    message = span("7" * 32, 1, 0, "process order.confirmed", 5, START, START + 10**6)
    jaeger.add(document({"order-worker": [message]}))
    page = text_of("/")
    assert [dot[4] for dot in plot_in(page)["dots"]] == [SLOW, FAST]
    assert 'href="/?service=order-worker&amp;operation=process+order.confirmed"' in page
    assert [dot[4] for dot in plot_in(text_of("/?service=order-worker"))["dots"]] == ["7" * 32]
    assert len(plot_in(text_of("/?service=*"))["dots"]) == 3


def test_a_jaeger_of_another_system_shows_all_that_it_has(text_of: Page, jaeger: FakeJaeger) -> None:
    """Where there is no shop, the first page has the traces of every service."""
    jaeger.traces.clear()
    jaeger.add(document({"billing": [span("7" * 32, 1, 0, "GET /bills", 2, START, START + 10**6)]}))
    assert [dot[4] for dot in plot_in(text_of("/"))["dots"]] == ["7" * 32]


def test_a_trace_that_still_lacks_its_root_is_under_way(text_of: Page, jaeger: FakeJaeger) -> None:
    """For some seconds it is neither an orphan nor a duration; later, what is missing is told."""
    jaeger.traces.clear()
    for trace_id, age in (("7" * 32, 2), ("8" * 32, 60)):
        made = checkout(trace_id, time.time_ns() - age * 10**9, 300)
        made["resourceSpans"].pop(0)
        jaeger.add(made)
    page = text_of("/?service=order")
    assert [(dot[4][0], dot[3]) for dot in plot_in(page)["dots"]] == [("8", 0), ("7", 2)]
    assert page.count("under way") == 2  # in its row and in the plot's legend
    assert page.count("1 orphan") == 1
    assert "1 trace, p50" in page


def test_search_passes_every_filter_on_to_jaeger(text_of: Page, jaeger: FakeJaeger) -> None:
    """What is typed into the form is what Jaeger is asked for, in its units."""
    text_of(
        "/?service=gateway&operation=POST+/checkout&min=100ms&max=1.2s&attributes=error%3Dtrue+a%3D%22b+c%22&limit=20"
    )
    asked = jaeger.asked[-1]
    assert (asked["service"], asked["operation"]) == ("gateway", "POST /checkout")
    assert (asked["min_ms"], asked["max_ms"], asked["attributes"]) == (100.0, 1200.0, {"error": "true", "a": "b c"})


def test_search_of_any_service_asks_all_and_lists_a_trace_once(text_of: Page, jaeger: FakeJaeger) -> None:
    """Jaeger searches one service at a time; a trace of four services is still one row."""
    page = text_of("/?service=*")
    assert {each["service"] for each in jaeger.asked} == {"gateway", "order", "inventory", "payment"}
    assert page.count('name="id" value=') == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [("min=soon", "at least: &#39;soon&#39; is not a duration"), ("attributes=error", "is not key=value"),
     ("attributes=a%3D%22", "a quote is open")],
)  # fmt: skip
def test_search_names_the_field_it_cannot_read(text_of: Page, jaeger: FakeJaeger, query: str, words: str) -> None:
    """A filter that makes no sense is named, and nothing is searched for in its place."""
    assert words in text_of(f"/?{query}")
    assert jaeger.asked == []


def test_search_sorts_by_duration(text_of: Page) -> None:
    """The slowest trace comes first when the longest are asked for."""
    page = text_of("/?sort=longest")
    assert page.index(f'value="{SLOW}"') < page.index(f'value="{FAST}"')
    page = text_of("/")
    assert page.index(f'value="{FAST}"') < page.index(f'value="{SLOW}"')


def test_search_says_how_to_get_a_first_trace(text_of: Page, jaeger: FakeJaeger) -> None:
    """A Jaeger without traces is no error; the page says what to do."""
    jaeger.traces.clear()
    assert "make checkout" in text_of("/")


def test_trace_page_has_the_longest_leg_and_every_span(text_of: Page) -> None:
    """The heading names the longest leg with its share, and the data holds the tree with times in ms."""
    page = text_of(f"/trace/{SLOW}")
    assert re.search(r'class="leg hot answer" href="#0{15}6"', page)
    assert "93%" in page
    data = data_in(page)
    assert [span.get("depth", 0) for span in data["spans"]] == [0, 1, 2, 3, 4, 5, 3]
    statement = data["spans"][5]
    assert (statement["duration"], statement["longest"], statement["critical"]) == (812, True, 812)
    assert statement["events"][0]["attributes"] == {"rows": "3"}
    assert statement["links"][0]["trace"] == "ab" * 16


def test_trace_page_tells_self_time_from_dark_time(text_of: Page) -> None:
    """A leaf's own time is work; in a span with children, time in which none ran is dark."""
    spans = data_in(text_of(f"/trace/{SLOW}"))["spans"]
    assert (spans[5]["self"], spans[5].get("dark")) == (812, None)
    assert (spans[0]["self"], spans[0]["dark"]) == (2, 2)
    assert len(spans[0]["gaps"]) == 2


def test_trace_page_has_the_diagnosis_with_links_to_its_evidence(text_of: Page) -> None:
    """What is wrong stands beside the trace, and its proof leads to the span."""
    page = text_of(f"/trace/{SLOW}")
    assert "1 problem found" in page
    assert '<li><a href="#0000000000000006">' in page
    assert "✓ Healthy" in text_of(f"/trace/{FAST}")


def test_trace_page_has_the_account_of_its_time(text_of: Page) -> None:
    """Beside the waterfall: share, time, kind and whose, with a link to the span; the longest line first."""
    page = text_of(f"/trace/{SLOW}")
    table = page[page.index("Where the time went") : page.index("</details>")]
    kinds = re.findall(r"<td><small>([a-z ]+)", table)
    kinds = [kind.strip() for kind in kinds]
    assert kinds[0] == "statement" and {"own code", "external call", "way there", "way back"} <= set(kinds)
    assert re.search(r'<a href="#[0-9a-f]{16}">inventory <b>', table) and "for somebody: queue" in table


def test_a_trace_can_be_downloaded_and_opened_again(client: FlaskClient, jaeger: FakeJaeger) -> None:
    """As OTLP's JSON and as Jaeger's, under the trace's id; a trace that is not there is told as such."""
    jaeger.documents[SLOW] = checkout(SLOW, START, 812)
    answer = client.get(f"/trace/{SLOW.upper()}/otlp.json")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{SLOW}.otlp.json"'
    opened = client.post("/open", data={"file": (BytesIO(answer.data), "slow.json")}, follow_redirects=True)
    assert "872 ms" in opened.text
    assert "Download" not in opened.text and "Download" in client.get(f"/trace/{SLOW}").text
    assert client.get("/trace/" + "d" * 32 + "/jaeger.json").status_code == 404
    assert client.get(f"/trace/{SLOW}/zipkin.json").status_code == 404


def test_a_message_is_followed_forward_and_back(client: FlaskClient, jaeger: FakeJaeger) -> None:
    """The sender's page is told who received, and the receiver's page leads to the sender."""
    topic = {"messaging.destination.name": "order.confirmed"}
    sent = span("7" * 32, 1, 0, "send order.confirmed", 4, START, START + 10**6, attributes=topic)
    handled = span(
        "8" * 32, 2, 0, "process order.confirmed", 5, START + 9 * 10**6, START + 10**7, attributes=topic,
        links=[{"traceId": "7" * 32, "spanId": f"{1:016x}"}],
    )  # fmt: skip
    jaeger.add(document({"order": [sent]}))
    jaeger.add(document({"order-worker": [handled]}))
    assert client.get(f"/trace/{'7' * 32}/receivers").json == [
        {
            "sender": f"{1:016x}",
            "trace": "8" * 32,
            "span": f"{2:016x}",
            "name": "order-worker process order.confirmed",
            "after": 8,
        }
    ]
    assert f'sent by <a href="/trace/{"7" * 32}#{1:016x}">' in client.get(f"/trace/{'8' * 32}").text


@pytest.mark.parametrize("text", [SLOW.upper(), f"00-{SLOW}-00f067aa0ba902b7-01", f" {SLOW} "])
def test_an_id_is_taken_in_any_spelling(client: FlaskClient, text: str) -> None:
    """The box for ids takes what people paste."""
    answer = client.get("/open", query_string={"id": text})
    assert (answer.status_code, answer.location) == (302, f"/trace/{SLOW}")


def test_two_ids_open_the_comparison(client: FlaskClient) -> None:
    """Two ids, pasted or chosen in the list, are compared."""
    assert client.get(f"/open?id={SLOW}&id={FAST}").location == f"/compare/{SLOW}...{FAST}"
    assert client.get(f"/open?id={SLOW}+{FAST}").location == f"/compare/{SLOW}...{FAST}"


def test_compare_marks_the_leg_that_changed(text_of: Page) -> None:
    """The comparison says how much faster it is, and one leg is marked as the reason."""
    page = text_of(f"/compare/{SLOW}...{FAST}")
    assert "14.3 times as fast" in page
    assert page.count("▶") == 1
    assert "−811 ms" in page
    assert "14.3 times as slow" in text_of(f"/compare/{FAST}...{SLOW}")


def test_compare_says_that_one_pair_proves_little(text_of: Page, jaeger: FakeJaeger) -> None:
    """What a busy machine does now and then has no colour, and nothing faster is an alarm."""
    jaeger.add(checkout("7" * 32, START, 16))
    page = text_of(f"/compare/{FAST}...{'7' * 32}")
    assert "One pair of traces" in page
    assert 'class="slower' not in page
    assert "▶" not in page
    assert 'class="leg answer better"' in text_of(f"/compare/{SLOW}...{FAST}")
    assert 'class="leg answer hot"' in text_of(f"/compare/{FAST}...{SLOW}")


def test_compare_of_a_trace_with_itself_marks_nothing(text_of: Page) -> None:
    """No change gets no colour."""
    page = text_of(f"/compare/{SLOW}...{SLOW}")
    assert "About as fast" in page
    assert "▶" not in page


def test_map_has_calls_and_p50_on_its_edges(text_of: Page) -> None:
    """Edges, boxes and where they lead, all from the sampled traces."""
    page = text_of("/services")
    assert "stock_movement" not in page
    assert "Counted by Jaeger" not in page
    found = re.search(r'id="map-data">(.*?)</script>', page)
    assert found
    data = json.loads(found[1])
    edges = {(edge["parent"], edge["child"]): edge for edge in data["edges"]}
    assert edges["order", "inventory"]["p50"] == 411.5  # 817 and 6 ms
    assert edges["order", "inventory"]["calls"] == 2
    nodes = {node["name"]: node["query"] for node in data["nodes"] if node["kind"] != "service"}
    assert nodes == {
        "inventory": {"service": "*", "attributes": "db.system.name=postgresql db.namespace=inventory"},
        "provider:8084": {"service": "payment", "operation": "POST"},
    }


def test_unknown_trace_says_that_it_may_still_come(client: FlaskClient) -> None:
    """A trace that is not there is a 404 that asks again, five times."""
    answer = client.get("/trace/" + "d" * 32)
    assert answer.status_code == 404
    assert "up to a second" in answer.text
    assert "retry.js" in answer.text
    assert "retry.js" not in client.get("/trace/" + "d" * 32 + "?try=5").text


def test_a_trace_whose_parents_are_still_to_come_loads_again(text_of: Page, jaeger: FakeJaeger) -> None:
    """A recent trace with a missing parent is shown as it is, and once more a second later; an old one is final."""
    for trace_id, start in ((HOSTILE_ID, time.time_ns() - 10**9), ("d" * 32, START)):
        document = checkout(trace_id, start, 5)
        document["resourceSpans"].pop(0)
        jaeger.add(document)
    assert "still arriving" in text_of(f"/trace/{HOSTILE_ID}")
    assert "retry.js" not in text_of(f"/trace/{HOSTILE_ID}?try=5")
    assert "still arriving" not in text_of("/trace/" + "d" * 32)


@pytest.mark.parametrize("path", ["/", f"/trace/{SLOW}", f"/compare/{SLOW}...{FAST}", "/services"])
def test_without_jaeger_every_page_says_so(text_of: Page, jaeger: FakeJaeger, path: str) -> None:
    """A Jaeger that is away is a page with the next step, not an error of the console's."""
    jaeger.failure = JaegerUnavailable("no Jaeger answers at http://127.0.0.1:1: start the system with `make up`")
    page = text_of(path, 503)
    assert "make up" in page
    assert "retry.js" in page


def test_a_refusal_of_jaeger_is_told(text_of: Page, jaeger: FakeJaeger) -> None:
    """What Jaeger answers instead of traces reaches the reader."""
    jaeger.failure = JaegerError("Jaeger answered 400 to a search: depth")
    assert "Jaeger answered 400" in text_of("/", 502)


@pytest.mark.parametrize("path", ["/trace/zz", "/trace/" + "a" * 40, "/open?id=%00", "/open?id=a+b+c", "/compare/abc"])
def test_what_is_no_id_is_a_bad_request(text_of: Page, path: str) -> None:
    """An id that cannot be one is refused with the reason."""
    assert "no trace id" in text_of(path, 400)


def test_no_probe_follows_jaeger(client: FlaskClient, jaeger: FakeJaeger) -> None:
    """Without Jaeger the console is still the one that says so."""
    jaeger.failure = JaegerUnavailable("away")
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 200)


@pytest.mark.parametrize("path", ["/", f"/trace/{HOSTILE_ID}", f"/compare/{HOSTILE_ID}...{HOSTILE_ID}", "/services"])
def test_markup_in_a_trace_stays_text(text_of: Page, jaeger: FakeJaeger, path: str) -> None:
    """Whatever a trace says, the page has no element and no script from it."""
    jaeger.add(hostile(HOSTILE_ID, START))
    page = text_of(path)
    assert "<img" not in page
    assert "<script>window" not in page
    assert "\u202e" not in re.sub(r'value="[^"]*"', "", page.split('id="trace-data"')[0])
    if "/trace/" in path:
        assert data_in(page)["spans"][0]["attributes"][HOSTILE] == HOSTILE


def test_markup_in_the_address_stays_text(text_of: Page) -> None:
    """The form shows what was typed, as text."""
    page = text_of("/?service=%3Cscript%3E&attributes=%22%3E%3Cimg%3E&min=%3Cb%3E")
    assert "<script>" not in page
    assert "<img>" not in page
    assert "<b>&#39;" not in page


def test_nothing_inline_may_run(client: FlaskClient) -> None:
    """The policy allows the console's own files only, and the pages keep to it."""
    answer = client.get(f"/trace/{SLOW}")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", answer.text.split('id="trace-data"')[0])


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8085", 200), ("127.0.0.1:8085", 200), ("[::1]:8085", 200), ("console:8085", 200),
     ("evil.example", 403), ("localhost.evil.example:8085", 403), ("", 403)],
)  # fmt: skip
def test_other_host_names_are_refused(client: FlaskClient, host: str, status: int) -> None:
    """A page elsewhere that points its name at the console gets nothing."""
    assert client.get("/healthz", headers={"Host": host}).status_code == status
