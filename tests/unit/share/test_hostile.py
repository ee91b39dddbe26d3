"""Visitors who want more: other paths, methods, bodies, hosts, and requests that two readers would read differently."""

import pytest

from tests.unit.share.conftest import TOKEN, Open

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


@pytest.mark.parametrize(
    "request_head",
    [
        f"GET /?token={TOKEN}",
        f"GET /join?{TOKEN}",
        f"GET /join/{TOKEN}/",
        f"GET /join/{TOKEN}/../../",
        f"GET /join//{TOKEN}",
        f"GET /JOIN/{TOKEN}",
        f"POST /join/{TOKEN}",
        f"GET /join/{TOKEN}%00",
        f"GET /join/{TOKEN}\u00e9",
        f"GET /join/{'x' * 100}",
        f"GET /join/{'x' * 20_000}",
        f"GET / HTTP/1.1\nAuthorization: Bearer {TOKEN}\nX:",
        f"GET / HTTP/1.1\nX-Room: 1\nX-Token: {TOKEN}\nX:",
        f"GET / HTTP/1.1\nReferer: http://127.0.0.1/join/{TOKEN}\nX:",
    ],
)
def test_the_token_is_good_in_one_place_only(opened: Open, request_head: str) -> None:
    """In a query, in a header, by another method, with something behind it, or none at all however long: shut."""
    head = request_head if "HTTP/1.1" in request_head else f"{request_head} HTTP/1.1"
    for port in (opened.room.shop_port, opened.room.console_port):
        status, answer = opened.raw(f"{head}\nHost: 127.0.0.1\nContent-Length: 0\nConnection: close", port=port)
        assert status in (400, 403, 405, 414, 431), answer[:200]
        assert b"Set-Cookie" not in answer
    assert opened.pages.asked == opened.gateway.asked == []


@pytest.mark.parametrize(
    "wrong", ["{name}=", "{name}={token}", "share-1={value}", "{name}={value}x", "{name}=x; {value}"]
)
def test_a_cookie_that_is_not_this_rooms_lets_nobody_in(opened: Open, wrong: str) -> None:
    """The token itself, another room's name or signature, and a value that was changed are no cookie."""
    ((name, value),) = opened.visitor().cookies.get_dict().items()
    told = wrong.format(name=name, value=value, token=TOKEN)
    assert opened.raw(f"GET / HTTP/1.1\nHost: 127.0.0.1\nCookie: {told}\nConnection: close")[0] == 403
    assert opened.pages.asked == []


def test_a_connection_cannot_become_another(opened: Open) -> None:
    """A WebSocket, HTTP/2 or a tunnel that a visitor asks for is a plain request, and nothing of the wish goes on."""
    cookie = opened.inside(opened.visitor())
    for wish in (
        "Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: eA==",
        "Upgrade: h2c\nHTTP2-Settings: x",
    ):
        status, answer = opened.raw(f"GET /services HTTP/1.1\nHost: 127.0.0.1\n{cookie}\nConnection: Upgrade\n{wish}")
        assert status == 200, answer
    assert not [
        name for each in opened.pages.asked for name in each["headers"] if name.startswith(("UPGRADE", "SEC_", "HTTP2"))
    ]
