"""The door: who comes in, what a visitor can do, what goes on to the two sites and what comes back."""

import gzip
import threading

import pytest
import requests

from tests.unit.share.conftest import TOKEN, Open, problem
from workshop.share.front import Visitors


def get(url: str, **options: object) -> requests.Response:
    """A stranger's GET."""
    return requests.get(url, timeout=5, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/", "/products", "/static/shop.js", "/checkout", "/no/such/page"])
def test_a_stranger_gets_403_and_reaches_nothing(opened: Open, path: str) -> None:
    """Without the link each path of both sites is shut, known or not."""
    for site in (opened.room.shop, opened.room.console):
        answer = get(site + path)
        assert answer.status_code == 403
        assert "link" in problem(answer)
    assert opened.gateway.asked == opened.pages.asked == []


def test_a_stranger_with_a_browser_gets_a_page(opened: Open) -> None:
    """It says what to do, and holds no script."""
    answer = get(opened.room.shop, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "scan the code" in answer.text
    assert "script-src" not in answer.headers["Content-Security-Policy"]


def test_the_link_lets_in_once_and_for_both_sites(opened: Open) -> None:
    """The token leaves the address at once; its cookie is for no script, and good on both ports."""
    session = requests.Session()
    answer = session.get(opened.room.link, allow_redirects=False, timeout=5)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Lax"} <= set(answer.headers["Set-Cookie"].split("; "))
    assert TOKEN not in answer.headers["Set-Cookie"]
    assert session.get(opened.room.shop, timeout=5).text == "ok"
    assert session.get(opened.room.console, timeout=5).text == "ok"
    assert "Set-Cookie" not in session.get(opened.room.link, allow_redirects=False, timeout=5).headers


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%00", "..", "é"])
def test_another_token_lets_nobody_in(opened: Open, token: str) -> None:
    """Nor shows it the page for the projector."""
    for what in ("join", "projector"):
        answer = get(f"{opened.room.shop}/{what}/{token}", allow_redirects=False)
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers
        assert TOKEN not in answer.text


def test_tokens_cannot_be_tried_quickly_and_the_right_one_still_opens(opened: Open) -> None:
    """Who guesses has to wait; a neighbour behind the same address comes in all the same."""
    found = {get(f"{opened.room.shop}/join/guess-{number}").status_code for number in range(60)}
    assert found == {403, 429}
    assert int(get(f"{opened.room.shop}/join/guess").headers["Retry-After"]) >= 1
    assert opened.visitor().get(opened.room.shop, timeout=5).status_code == 200


def test_a_cookie_that_was_not_made_here_is_none() -> None:
    """Forged, cut, and of another room."""
    ours, theirs = Visitors("one"), Visitors("other")
    cookie = ours.new()
    assert ours.known(cookie)
    name, _, signature = cookie.partition(".")
    for wrong in ("", "x", name, f"{name}.", f"x{cookie}", cookie[:-1], f"{name}x.{signature}", theirs.new(), "é.é"):
        assert ours.known(wrong) is None


def test_the_projectors_page_has_the_link_as_text_and_as_code(opened: Open) -> None:
    """It needs the token, and no cookie."""
    answer = get(opened.room.projector)
    assert opened.room.link in answer.text
    assert "<svg" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_purchase_goes_on_whole_and_without_what_is_the_visitors(opened: Open) -> None:
    """Body, key and type reach the shop; cookie, Host, forwarding and tracing headers do not."""
    opened.gateway.status, opened.gateway.body = "201 CREATED", b'{"trace_id": "00"}'
    sent = {"Idempotency-Key": "k", "Content-Type": "application/json", "X-Forwarded-For": "1.2.3.4", "baggage": "a=b"}
    answer = opened.visitor().post(f"{opened.room.shop}/checkout", data=b'{"a": 1}', headers=sent, timeout=5)
    assert answer.status_code == 201
    assert not {"Set-Cookie", "X-Inside"} & set(answer.headers)
    (asked,) = opened.gateway.asked
    assert asked["body"] == b'{"a": 1}'
    assert asked["headers"]["IDEMPOTENCY_KEY"] == "k"
    assert not {"COOKIE", "X_FORWARDED_FOR", "BAGGAGE", "ORIGIN"} & set(asked["headers"])
    assert asked["headers"]["HOST"] == opened.gateway.url.removeprefix("http://")


def test_links_of_this_machine_become_the_rooms(opened: Open) -> None:
    """Jaeger's page is the console's for visitors; what a trace says, and other ports, are left as they are."""
    room = opened.room
    opened.gateway.headers = [("Content-Type", "text/html; charset=utf-8")]
    opened.gateway.body = (
        f'<body data-trace-url="{room.jaeger_url}/trace/{{trace_id}}"><a href="{room.console_url}">x</a>'
        f'<a href="{room.gateway_url}1/">{room.jaeger_url}/</a>'
    ).encode()
    assert opened.visitor().get(room.shop, timeout=5).text == (
        f'<body data-trace-url="{room.console}/trace/{{trace_id}}"><a href="{room.console}">x</a>'
        f'<a href="{room.gateway_url}1/">{room.jaeger_url}/</a>'
    )


def test_a_redirect_stays_on_the_site(opened: Open) -> None:
    """A path is followed, another host is not told."""
    visitor, opened.pages.status = opened.visitor(), "302 FOUND"
    for place, told in (("/trace/ab", "/trace/ab"), ("//elsewhere", None), ("http://127.0.0.1:1/", None)):
        opened.pages.headers = [("Location", place)]
        answer = visitor.get(f"{opened.room.console}/open?id={told}", allow_redirects=False, timeout=5)
        assert answer.headers.get("Location") == told


def test_sixty_who_ask_the_same_at_once_are_one_for_the_console(opened: Open) -> None:
    """Live mode of a whole room costs the console one search."""
    visitor = opened.visitor()
    opened.pages.gate.clear()
    answers: list[str] = []
    ask = [
        threading.Thread(
            target=lambda: answers.append(
                requests.get(opened.room.console, cookies=visitor.cookies.get_dict(), timeout=10).text
            )
        )
        for _ in range(20)
    ]
    for thread in ask:
        thread.start()
    while not opened.pages.asked:
        threading.Event().wait(0.01)
    opened.pages.gate.set()
    for thread in ask:
        thread.join()
    assert answers == ["ok"] * 20
    assert opened.pages.targets == ["GET /"]


def test_answers_are_packed_and_files_not_sent_twice(opened: Open) -> None:
    """As a browser in a room's network needs it."""
    opened.pages.body = b"body { color: red }" * 1000
    opened.pages.headers = [("Content-Type", "text/css"), ("ETag", '"1"')]
    visitor, url = opened.visitor(), f"{opened.room.console}/static/console.css"
    answer = visitor.get(url, timeout=5)
    assert (answer.headers["Content-Encoding"], answer.content) == ("gzip", opened.pages.body)
    assert int(answer.headers["Content-Length"]) < len(gzip.compress(opened.pages.body)) + 100
    again = visitor.get(url, headers={"If-None-Match": answer.headers["ETag"]}, timeout=5)
    assert (again.status_code, again.content) == (304, b"")
    plain = visitor.get(url, headers={"Accept-Encoding": "identity"}, timeout=5)
    assert "Content-Encoding" not in plain.headers
    assert plain.content == opened.pages.body


def test_a_visitor_may_buy_five_times_and_then_once_a_second(opened: Open) -> None:
    """Another visitor is not held up by that."""
    greedy, other, url = opened.visitor(), opened.visitor(), f"{opened.room.shop}/checkout"
    answers = [greedy.post(url, json={}, timeout=5) for _ in range(8)]
    assert [each.status_code for each in answers[:5]] == [200] * 5
    late = next(each for each in answers if each.status_code == 429)
    assert late.headers["Retry-After"] == "1"
    assert other.post(url, json={}, timeout=5).status_code == 200


def test_a_visitor_who_asks_for_page_after_page_waits_and_nobody_else(opened: Open) -> None:
    """However the searches differ, the console makes so many for one visitor; files are not counted with them."""
    greedy, other, url = opened.visitor(), opened.visitor(), f"{opened.room.console}/?limit="
    found = [greedy.get(f"{url}{number}", timeout=5).status_code for number in range(60)]
    assert found[:30] == [200] * 30
    assert found.count(429) >= 1
    assert len(opened.pages.asked) == found.count(200)
    assert other.get(f"{url}0", timeout=5).status_code == 200
    assert greedy.get(f"{opened.room.console}/static/a.css", timeout=5).status_code == 200


def test_a_visitor_buys_three_times_at_once_at_most(opened: Open) -> None:
    """Purchases that hang are not collected until nobody else can buy."""
    visitor, url, found = opened.visitor(), f"{opened.room.shop}/checkout", list[int]()
    opened.gateway.gate.clear()

    def buy() -> None:
        found.append(requests.post(url, json={}, cookies=visitor.cookies.get_dict(), timeout=10).status_code)

    buyers = [threading.Thread(target=buy) for _ in range(3)]
    for thread in buyers:
        thread.start()
    while len(opened.gateway.asked) < 3:
        threading.Event().wait(0.01)
    buy()
    assert found == [429]
    opened.gateway.gate.set()
    for thread in buyers:
        thread.join()
    assert sorted(found) == [200, 200, 200, 429]


def test_a_site_that_is_away_is_a_503_that_says_so(opened: Open) -> None:
    """The shop's page tries again on it, with its key."""
    visitor = opened.visitor()
    opened.gateway.status = "204 NO CONTENT"
    room = opened.room
    from workshop.share.passing import Upstream

    with pytest.raises(Exception, match="the shop does not answer") as failed:
        Upstream("the shop", "http://127.0.0.1:1", {room.gateway_url: room.shop}).ask("GET", "/", {})
    assert failed.value.code == 503  # type: ignore[attr-defined]
    assert visitor.get(room.shop, timeout=5).status_code == 204
