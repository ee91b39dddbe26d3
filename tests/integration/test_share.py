"""A shared workshop on a whole stack: a visitor buys, follows the link to his trace, and reaches nothing else."""

import json
import re
from collections.abc import Iterator

import pytest
import requests

from tests.integration.conftest import Stack
from workshop.share import opening
from workshop.share.room import Room


@pytest.fixture
def room(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """The running stack, opened on 127.0.0.1 by another `make up`, and closed again."""
    monkeypatch.setitem(stack.environment, "SHARE", "127.0.0.1")
    said = stack.must("up")
    found = opening.open_room(stack.settings)
    assert found
    assert found.link in said
    yield found
    stack.environment["SHARE"] = "0"
    assert "closed" in stack.must("up")


def test_a_visitor_buys_and_reads_his_trace(stack: Stack, room: Room) -> None:
    """Everything that he sees leads to the room's addresses, none to this machine's."""
    visitor = requests.Session()
    shop = visitor.get(room.link, timeout=10).text
    pattern = re.search(r'data-trace-url="([^"]+)"', shop)
    assert pattern
    assert pattern[1] == f"{room.console}/trace/{{trace_id}}"
    body = {"customer_id": "room", "items": [{"sku": "SKU-00011", "quantity": 1}], "card": "4242424242424242"}
    answer = visitor.post(f"{room.shop}/checkout", json=body, timeout=30)
    assert answer.status_code == 201
    stack.jaeger.wait_for_trace(
        answer.json()["trace_id"], lambda found: any("stock_movement" in s.name for s in found.spans)
    )
    page = visitor.get(pattern[1].replace("{trace_id}", answer.json()["trace_id"]), timeout=30)
    assert "stock_movement" in page.text
    for text in (shop, page.text, visitor.get(room.console, timeout=30).text):
        links = re.findall(r'(?:href|src|action)="(http[^"]+)"', text)
        assert {re.sub(r"(:\d+).*", r"\1", link) for link in links} <= {room.shop, room.console}


def test_the_others_stay_shut_and_status_says_what_is_open(stack: Stack, room: Room) -> None:
    """Jaeger's API, files, health: 403, whoever asks. A repeated up keeps the link."""
    visitor = requests.Session()
    visitor.get(room.link, timeout=10)
    for path in ("/api/traces", "/open", "/open/1", "/healthz"):
        assert visitor.get(room.console + path, timeout=10).status_code == 403
    assert f"room: OPEN on 127.0.0.1, ports {room.shop_port} and {room.console_port}" in stack.must("status")
    assert room.link in stack.must("up")
    bad = visitor.post(f"{room.shop}/checkout", data=b"{", headers={"Content-Type": "application/json"}, timeout=10)
    assert (bad.status_code, json.loads(bad.content)["status"]) == (400, 400)


def test_up_without_share_says_that_it_is_still_open(stack: Stack, room: Room) -> None:
    """Nobody forgets an open door."""
    stack.environment["SHARE"] = ""
    assert "still open to the room, on 127.0.0.1" in stack.must("up")
    assert opening.open_room(stack.settings) == room


def test_a_class_gets_pages_that_keep_their_answers(stack: Stack, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a restart: `make up TEACH=1` of what is up, for the teacher and for visitors; status says it."""
    visitor = requests.Session()
    visitor.get(room.link, timeout=10)
    monkeypatch.setitem(stack.environment, "TEACH", "1")
    assert "Show the answer" in stack.must("up")
    assert "answers: kept until somebody asks" in stack.must("status")
    for get, url in ((requests.get, stack.settings.console_url), (visitor.get, f"{room.console}/services")):
        assert 'data-teach="20' in get(url, timeout=30).text
    monkeypatch.setitem(stack.environment, "TEACH", "0")
    assert "Show the answer" not in stack.must("up")
    assert "answers: shown" in stack.must("status")
    assert "data-teach" not in requests.get(stack.settings.console_url, timeout=30).text
