"""Files opened in the console: read, listed, shown, closed; nothing of another site's doing, nothing beyond a limit."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.console.console_traces import HOSTILE
from workshop.console.opened import pages, store

FIXTURES = Path(__file__).parents[2] / "fixtures" / "traces"
CONTRACT = Path(__file__).parents[2] / "contract" / "input.otlp.json"
ONE = FIXTURES / "node_retries.otlp.json"


@pytest.fixture
def send(client: FlaskClient) -> Callable[..., TestResponse]:
    """Sends files as the form does."""

    def post(*files: tuple[str, bytes], **headers: str) -> TestResponse:
        data = {"file": [(io.BytesIO(content), name) for name, content in files]}
        return client.post("/open", data=data, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return post


def test_a_file_with_one_trace_leads_to_it(client: FlaskClient, send: Callable[..., TestResponse]) -> None:
    """The waterfall's data and the diagnosis are on its page."""
    answer = send(("retries.json.gz", gzip.compress(ONE.read_bytes())))
    assert answer.status_code == 303
    page = client.get(answer.location, follow_redirects=True)
    assert page.status_code == 200 and 'id="trace-data"' in page.text and "retries" in page.text
    listed = client.get("/open").text
    assert "retries.json.gz" in listed and 'href="/open/1"' in listed


def test_a_file_with_several_traces_is_listed(client: FlaskClient, send: Callable[..., TestResponse]) -> None:
    """Each has its own page; what was odd in the file is told."""
    odd = CONTRACT.read_bytes().replace(b"\n", b" ") + b'\n{"resourceMetrics": []}\n'
    page = client.get(send(("many.jsonl", odd)).location).text
    assert page.count('href="/open/1/') == 7 and "metrics between the traces (in line 2): skipped" in page
    for number in range(1, 8):
        assert client.get(f"/open/1/{number}").status_code == 200
    assert client.get("/open/1/8").status_code == client.get("/open/1/0").status_code == 404


def test_several_files_at_once_and_closing_one(client: FlaskClient, send: Callable[..., TestResponse]) -> None:
    """A closed file is gone, the other one stays."""
    assert send(("a.json", ONE.read_bytes()), ("b.json", CONTRACT.read_bytes())).location == "/open"
    assert client.post("/open/1/close").status_code == 303
    listed = client.get("/open").text
    assert "a.json" not in listed and "b.json" in listed
    assert client.get("/open/1").status_code == 404
    assert "until the console stops" in client.get("/open/1").text
    assert client.post("/open/99/close").status_code == 303


@pytest.mark.parametrize(
    ("name", "content", "status", "words"),
    [
        ("notes.md", b"# notes", 422, "notes.md: it is not JSON: line 1, column 1"),
        (
            "answer.json",
            b'{"data": null, "errors": [{"code": 404, "msg": "no trace"}]}',
            422,
            "404 no trace",
        ),
        ("", b"", 400, "No file was chosen"),
        ("<script>x</script>.json", b"<script>", 422, "&lt;script&gt;x&lt;/script&gt;.json"),
    ],
)
def test_what_cannot_be_opened(
    send: Callable[..., TestResponse], client: FlaskClient, name: str, content: bytes, status: int, words: str
) -> None:
    """A page with one sentence; nothing is kept."""
    answer = send((name, content))
    assert answer.status_code == status and words in answer.text
    assert "/close" not in client.get("/open").text
    assert client.post("/open").status_code == 400


def test_the_limit_is_of_all_files_unpacked(
    monkeypatch: pytest.MonkeyPatch, client: FlaskClient, send: Callable[..., TestResponse]
) -> None:
    """One too many is refused until another one is closed; a packed one counts as what it holds."""
    monkeypatch.setattr(store, "LIMIT", 3 * ONE.stat().st_size)
    monkeypatch.setattr(pages, "ENVELOPE", 10 * ONE.stat().st_size)
    packed = gzip.compress(ONE.read_bytes())
    assert [send((f"{i}.json", packed)).status_code for i in range(4)] == [303, 303, 303, 413]
    assert "close a file first" in send(("x.json", packed)).text
    client.post("/open/2/close")
    assert send(("x.json", packed)).status_code == 303
    bomb = send(("bomb", gzip.compress(bytes(2**24))))
    assert bomb.status_code == 422 and "once unpacked" in bomb.text
    monkeypatch.setattr(pages, "ENVELOPE", 0)
    assert send(("large.json", bytes(4 * ONE.stat().st_size))).status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "http://localhost", "Sec_Fetch_Site": "same-origin"}, 303),
        ({"Origin": "null", "Sec_Fetch_Site": "same-origin"}, 303),
        ({"Origin": "http://localhost", "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
    ],
)
def test_another_sites_page_opens_and_closes_nothing(
    app: Flask, send: Callable[..., TestResponse], headers: dict[str, str], status: int
) -> None:
    """The browser says where a request comes from."""
    assert send(("a.json", ONE.read_bytes()), **headers).status_code == status
    assert len(app.extensions["opened"].files) == (status == 303)


def test_markup_and_odd_ids_of_a_file_stay_text(client: FlaskClient, send: Callable[..., TestResponse]) -> None:
    """On the list, and on each trace's page."""
    document = json.loads(ONE.read_text())
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        span["name"] = HOSTILE
    text = json.dumps(document).replace(
        document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"], "../a b/<i>"
    )
    page = client.get(send((HOSTILE, text.encode())).location, follow_redirects=True).text + client.get("/open").text
    assert HOSTILE not in page
