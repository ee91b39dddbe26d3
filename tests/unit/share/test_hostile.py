"""Visitors who want more: other paths, methods, bodies, hosts, and requests that two readers would read differently."""

import pytest

from tests.unit.share.conftest import Open

SHUT = [
    "GET /open",
    "GET /open/1",
    "GET /open?file=1&id=0",
    "POST /open",
    "POST /open?id=0",
    "POST /open/1/close",
    "POST /",
    "PUT /trace/ab",
    "DELETE /trace/ab",
    "OPTIONS /",
    "TRACE /",
    "CONNECT 127.0.0.1:16686",
    "PROPFIND /",
    "get /",
    "GET /healthz",
    "GET /readyz",
    "GET /openapi.json",
    "GET /api/traces",
    "GET /trace/",
    "GET /trace/xyz",
    "GET /trace/ab/../../open/1",
    "GET /trace/ab/anything",
    "GET /trace/%2e%2e%2fopen",
    "GET /static/../open",
    "GET /static/%2e%2e/open",
    "GET /static/..%2f..%2fetc%2fpasswd",
    "GET /static/",
    "GET /static/.env",
    "GET /static//etc/passwd.txt",
    "GET /static/%c3%aa.css",  # letters, to some
    "GET /static/a%00.css",
    "GET /static/a%0d%0aX: y.css",
    "GET /static/a.css%0a",
    "GET /compare/ab...cd/..",
    "GET /compare/..",
    "GET /services/",
    "GET /services;x",
    "GET /services%3Fx",
    "GET /Services",
    "GET /trace/\u00e9",
    "GET /trace/%d9%a1",  # an Arabic digit
    "GET /services?" + "x" * 3000,
    "GET http://127.0.0.1:16686/api/traces",
    "GET file:///etc/passwd",
    "GET *",
]


@pytest.mark.parametrize("line", SHUT)
def test_what_is_not_listed_is_shut_for_a_visitor_too(opened: Open, line: str) -> None:
    """Each is refused, and nothing of it reaches the console."""
    cookie = opened.inside(opened.visitor())
    head = f"{line} HTTP/1.1\nHost: 127.0.0.1\n{cookie}\nContent-Length: 0\nConnection: close"
    status, _ = opened.raw(head)
    assert 400 <= status < 500, status
    assert opened.pages.targets == []


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:16686/services?ab", "//services?ab", "/%2fservices?ab", "/services?a\tb"]
)
def test_what_is_let_through_goes_on_as_it_was_read(opened: Open, target: str) -> None:
    """A proxy's form of an address, doubled slashes and tabs are a listed path here, and that path is asked for."""
    cookie = opened.inside(opened.visitor())
    status, _ = opened.raw(f"GET {target} HTTP/1.1\nHost: 127.0.0.1\n{cookie}\nConnection: close")
    assert status == 200
    assert opened.pages.targets == ["GET /services"]
    assert opened.pages.asked[0]["QUERY_STRING"] == "ab"


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost", "127.0.0.1.evil.example", "127.0.0.2", "", "a b", "[::1]"]
)
def test_another_host_is_refused_also_to_those_who_have_the_key(opened: Open, host: str) -> None:
    """A page elsewhere whose name points here reads nothing, and is not told the token's worth."""
    cookie = opened.inside(opened.visitor())
    for path in ("/services", opened.room.link.removeprefix(opened.room.shop)):
        status, answer = opened.raw(f"GET {path} HTTP/1.1\nHost: {host}\n{cookie}\nConnection: close")
        assert status == 403, answer
    assert opened.pages.asked == []


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\nContent-Length: 5",
        "Content-Length: 5\nContent-Length: 50",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: -1",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
        "Content-Length: 5\n X: folded",
    ],
)
def test_a_second_request_cannot_be_smuggled_in_a_body(opened: Open, framing: str) -> None:
    """However the body is framed, the shop sees purchases only, and their bodies as this process read them."""
    cookie = opened.inside(opened.visitor())
    inner = b"0\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n" + cookie.encode() + b"\r\n\r\n"
    opened.raw(f"POST /checkout HTTP/1.1\nHost: 127.0.0.1\n{cookie}\n{framing}", inner, port=opened.room.shop_port)
    assert set(opened.gateway.targets) <= {"POST /checkout"}
    assert all(
        set(each["headers"]) <= {"HOST", "ACCEPT_ENCODING", "USER_AGENT", "X_ROOM"} for each in opened.gateway.asked
    )


def test_a_huge_body_and_a_huge_head_are_refused(opened: Open) -> None:
    """Before they are read, and the shop never hears of them."""
    cookie, port = opened.inside(opened.visitor()), opened.room.shop_port
    start = f"POST /checkout HTTP/1.1\nHost: 127.0.0.1\n{cookie}"
    assert opened.raw(f"{start}\nContent-Length: 10000000000", port=port)[0] == 413
    assert opened.raw(f"{start}\nX: {'x' * 40_000}", port=port)[0] in (0, 431)
    assert opened.raw(f"{start}\nContent-Length: 70000", b"x" * 70_000, port=port)[0] in (0, 413)
    assert opened.gateway.asked == []


def test_another_sites_page_cannot_buy(opened: Open) -> None:
    """A form elsewhere that a visitor's browser sends is refused; the shop's own page is not."""
    visitor, url = opened.visitor(), f"{opened.room.shop}/checkout"
    for origin in ("http://evil.example", "null", opened.room.console):
        assert visitor.post(url, json={}, headers={"Origin": origin}, timeout=5).status_code == 403
    assert opened.gateway.asked == []
    assert visitor.post(url, json={}, headers={"Origin": opened.room.shop}, timeout=5).status_code == 200


def test_the_shop_takes_nothing_but_its_own_paths(opened: Open) -> None:
    """What one site may, the other may not: nobody posts to the console, nobody reads traces at the shop."""
    visitor = opened.visitor()
    assert visitor.post(f"{opened.room.console}/checkout", json={}, timeout=5).status_code == 403
    assert visitor.get(f"{opened.room.shop}/services", timeout=5).status_code == 403
    assert opened.gateway.asked == opened.pages.asked == []
