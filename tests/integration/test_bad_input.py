"""Bad input: whatever is sent, the answer is never a 500, and never a traceback."""

import json
import re
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import GOOD_CARD, Eventually, FragileStack

# The schema cannot say which products there are, whose card is declined, what is on hand; nor how long an answer
# takes: a client that waits a millisecond is told 504.
SCHEMATHESIS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 504]

[[operations]]
include-name = "POST /checkout"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 402, 409, 422, 502, 503, 504]
"""

BOUNDED = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=20,
)
SKUS = st.sampled_from(["SKU-00001", "SKU-00002", "sku-00001", "", "SKU-00001\x00", "'; DROP TABLE orders; --"])
QUANTITIES = st.sampled_from([1, 100, 101, 0, -1, 2**31, 2**63, 10**400, 1.0, 1.5, True, "1", None])
ITEM = st.fixed_dictionaries({"sku": SKUS, "quantity": QUANTITIES}) | ANY_JSON
NEARLY_RIGHT = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["tester", "", "x" * 65, "a b", "a\x00", "ü", 7, None]) | ANY_JSON,
        "items": st.lists(ITEM, max_size=22) | ANY_JSON,
        "card": st.sampled_from([GOOD_CARD, "4000000000000002", "4242", "x" * 16, "٤" * 16, 4242424242424242])
        | ANY_JSON,
    },
    optional={"more": ANY_JSON, "__proto__": ANY_JSON},
)
# Where a body is taken: the public API, and the services behind it.
DOORS = {
    "gateway": ("gateway_port", "/checkout"),
    "order": ("order_port", "/orders"),
    "inventory": ("inventory_port", "/reservations"),
    "payment": ("payment_port", "/charges"),
    "provider": ("provider_port", "/v1/charges"),
}


class Door(NamedTuple):
    """Where a service takes bodies, and what it wants to be shown."""

    url: str
    secret: str


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, fragile: FragileStack) -> Door:
    """The door of each."""
    port, path = DOORS[request.param]
    return Door(f"http://127.0.0.1:{getattr(fragile.settings, port)}{path}", fragile.secret)


def post(door: Door, body: bytes, content_type: str = "application/json") -> requests.Response:
    """Send it; the answer must be one that somebody thought of."""
    headers = {
        "Content-Type": content_type,
        "Idempotency-Key": "bad-input",
        "Authorization": f"Bearer {door.secret}",
    }
    answer = requests.post(door.url, data=body, headers=headers, timeout=25)
    assert answer.status_code in (201, 400, 402, 409, 413, 415, 422), (answer.status_code, answer.text)
    assert "Traceback" not in answer.text
    assert isinstance(answer.json(), dict)
    return answer


def test_the_api_is_what_its_document_says(fragile: FragileStack, tmp_path: Path) -> None:
    """schemathesis, every check: statuses, types, headers, methods, what must be taken and what refused."""
    (tmp_path / "schemathesis.toml").write_text(SCHEMATHESIS)
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "run", f"{fragile.gateway}/openapi.json", "--checks", "all", "--max-examples", "40"]
    done = subprocess.run(
        [*command, "--generation-deterministic"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested is not None
    assert int(tested[1]) == 3


@BOUNDED
@given(body=NEARLY_RIGHT | ANY_JSON)
def test_any_json_is_answered(door: Door, body: Any) -> None:
    """Right, nearly right, or anything at all."""
    post(door, json.dumps(body).encode("utf-8", "surrogatepass"))


@BOUNDED
@given(body=st.binary(max_size=200), content_type=st.sampled_from(["application/json", "text/plain", "", 'a/b;c="']))
def test_any_bytes_are_answered(door: Door, body: bytes, content_type: str) -> None:
    """Whatever they are said to be."""
    post(door, body, content_type)


@pytest.mark.parametrize(
    "body",
    [b"[" * 60_000, b'{"a":' * 10_000, b"9" * 60_000, b'"\\ud800"', b"NaN", b"\xef\xbb\xbf{}", b"{" + b" " * 70_000],
    ids=["deep list", "deep object", "long number", "half a surrogate", "NaN", "byte order mark", "too large"],
)
def test_hostile_json_is_refused(door: Door, body: bytes) -> None:
    """Depth, length and encoding are bounded."""
    assert post(door, body).status_code in (400, 413, 422)


@pytest.mark.parametrize(
    "body",
    [
        b'{"card": "4242424242424242", "card": "4000000000000002"}',
        b'{"card": "4242424242424242", "c\\u0061rd": "4242424242424242"}',
        b'{"items": [{"sku": "SKU-00001", "quantity": 1, "quantity": 2}]}',
        b'{"x": [{"": 1, "": ' + b"9" * 4000 + b"}]}",
    ],
    ids=["the card", "an escape in its name", "in an item", "in what nobody knows"],
)
def test_a_member_that_stands_twice_is_refused(door: Door, body: bytes) -> None:
    """Which of the two was meant is not guessed, and a proxy may have read the other."""
    answer = post(door, body)
    assert answer.status_code == 400
    assert "twice" in answer.text


OVERSIZED = b"11171\r\n{" + b" " * 70_000 + b"\r\n0\r\n\r\n"
UNUSUAL_BODIES: dict[str, tuple[str, bytes, int]] = {
    "a chunk without a length": ("Transfer-Encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk of negative length": ("Transfer-Encoding: chunked", b"-1\r\n\r\n", 400),
    "chunks that break off": ("Transfer-Encoding: chunked", b"5\r\n{", 400),
    "too large in chunks": ("Transfer-Encoding: chunked", OVERSIZED, 413),
    "less than was said": ("Content-Length: 500", b"{}", 400),
}


@pytest.mark.parametrize("name", UNUSUAL_BODIES)
@pytest.mark.parametrize("service", ["gateway", "order", "inventory", "payment"])
def test_a_body_that_is_not_whole_is_refused(fragile: FragileStack, service: str, name: str) -> None:
    """Malformed on the wire, larger than allowed, or at its end too early: a problem, as for any bad input."""
    header, body, status = UNUSUAL_BODIES[name]
    setting, path = DOORS[service]
    header += f"\r\nAuthorization: Bearer {fragile.secret}"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{header}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", getattr(fragile.settings, setting)), timeout=25) as client:
        client.sendall(head.encode() + body)
        client.shutdown(socket.SHUT_WR)
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"application/problem+json" in answer


PROCESSES = ["gateway", "order", "inventory", "payment", "provider", "console", "jaeger"]
BEGUN = {
    "half a head": (64, b"GET /healthz HTTP/1.1\r\nHost: loc"),
    "half a body": (64, b"POST /checkout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{"),
    "answered, and not closed": (64, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    "nothing": (3000, b""),
}


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize("process", PROCESSES)
def test_clients_that_stay_keep_no_other_waiting(fragile: FragileStack, process: str, begun: str) -> None:
    """Whatever they have sent, and whether more drips after it: others are answered within a second, all the time."""
    address = "127.0.0.1", getattr(fragile.settings, f"{process}_port")
    number, sent = BEGUN[begun]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard == resource.RLIM_INFINITY else max(soft, 4096), hard))
    clients = []
    try:
        for _ in range(number):
            clients.append(socket.create_connection(address, timeout=10))
            clients[-1].sendall(sent)
        for _ in range(10):
            assert requests.get(f"http://127.0.0.1:{address[1]}/healthz", timeout=1).ok
            for client in clients if "half" in begun else ():
                client.sendall(b"x")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for client in clients:
            client.close()


def test_half_a_request_is_ended(fragile: FragileStack, eventually: Eventually) -> None:
    """With a problem and a line in the log, and without a traceback."""
    head = (
        b"POST /checkout HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    )
    with socket.create_connection(("127.0.0.1", fragile.settings.gateway_port), timeout=20) as client:
        client.sendall(head)
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    log = fragile.settings.logs.joinpath("gateway.log")
    eventually("the log says so", lambda: "refused 408" in log.read_text())
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("process", PROCESSES)
def test_a_name_that_is_not_ours_is_refused(fragile: FragileStack, process: str) -> None:
    """By every process, on every path: a page elsewhere may point its own name at this machine."""
    for path in ("/", "/healthz", "/checkout"):
        url = f"http://127.0.0.1:{getattr(fragile.settings, f'{process}_port')}{path}"
        assert requests.get(url, headers={"Host": "evil.example"}, timeout=10).status_code == 403


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=", "limit=1e2", "after=" + "x" * 33, "after=%00"]
)
def test_a_page_out_of_bounds_is_422(fragile: FragileStack, query: str) -> None:
    """Nothing is guessed."""
    assert requests.get(f"{fragile.gateway}/products?{query}", timeout=10).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "sku=",
        "sku=a",
        "sku=A%00",
        "sku=A%0A",
        "sku=-A",
        "sku=" + "A" * 33,
        "sku=A&limit=1",
        "sku=A&after=B",
        "sku=A&x=1",
        "&".join(["sku=A"] * 101),
    ],
)
def test_products_by_name_are_asked_for_properly(fragile: FragileStack, query: str) -> None:
    """Skus, a hundred at most, and no page with them; anything else is the caller's fault."""
    inventory = f"http://127.0.0.1:{fragile.settings.inventory_port}"
    answer = requests.get(f"{inventory}/products?{query}", timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")


def test_products_by_name_are_those_that_there_are(fragile: FragileStack) -> None:
    """Each once, in sku order, with no next page."""
    inventory = f"http://127.0.0.1:{fragile.settings.inventory_port}"
    skus = ["SKU-00002", "SKU-99999", "SKU-00001", "SKU-00002"]
    answer = requests.get(f"{inventory}/products", params={"sku": skus}, timeout=10).json()
    assert [product["sku"] for product in answer["products"]] == ["SKU-00001", "SKU-00002"]
    assert answer["next"] is None


@pytest.mark.parametrize("path", ["/nothing", "/orders/not-a-uuid", "/checkout/", "/orders/%00", "/../etc/passwd"])
def test_an_unknown_path_is_404(fragile: FragileStack, path: str) -> None:
    """As a problem."""
    answer = requests.get(fragile.gateway + path, timeout=10)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
