"""The cache on a real Valkey, and when there is none, or something else: it knows nothing, and soon."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from gateway import cache as caches
from gateway.answers import Product
from gateway.cache import Cache, page_key
from workshop.shop import cache as outside
from workshop.stack.local.scratch import free_ports
from workshop.stack.settings import Settings

from .conftest import ANSWER_SECONDS, CONNECT_SECONDS, Stranger, Valkey

APRON = Product(sku="SKU-1", name="Amber Apron", price_cents=390, currency="EUR")
BOWL = Product(sku="SKU-2", name="Birch Bowl", price_cents=8309, currency="EUR")
FIRST_PAGE = page_key(None, None)
# What a machine that is busy may take for a pause of its own. Without a limit the waits would have no end at all.
SLACK_SECONDS = 1.0
MakeStranger = Callable[[Callable[[socket.socket], object]], Stranger]


def timed(cache: Cache) -> tuple[dict[str, Product], float]:
    """What it knows of two products, and the seconds that took."""
    began = time.monotonic()
    return cache.products(["SKU-1", "SKU-2"]), time.monotonic() - began


def test_what_was_kept_is_known_and_the_rest_is_not(server: Valkey) -> None:
    """Hit, miss and both in one question."""
    cache = server.cache()
    assert cache.products(["SKU-1"]) == {}
    cache.keep([APRON])
    assert cache.products(["SKU-1"]) == {"SKU-1": APRON}
    assert cache.products(["SKU-2", "SKU-1"]) == {"SKU-1": APRON}
    cache.drop(["SKU-1", "SKU-7"])
    assert cache.products(["SKU-1"]) == {}


def test_what_came_together_does_not_end_together(server: Valkey) -> None:
    """Five minutes, spread by a tenth."""
    server.cache().keep([Product(sku=f"SKU-{n}", name="A", price_cents=1, currency="EUR") for n in range(50)])
    client: Any = Redis.from_url(server.url)
    left = [client.ttl(f"product:SKU-{n}") for n in range(50)]
    client.close()
    assert all(268 <= each <= 330 for each in left)
    assert len(set(left)) > 10


def test_a_page_is_whole_or_not_known(server: Valkey) -> None:
    """A product of it that was dropped, because its price changed, takes the page with it."""
    cache, key = server.cache(), page_key("SKU-0", "2")
    assert cache.page(key) is None
    cache.keep_page(key, [APRON, BOWL], "SKU-2")
    assert cache.page(key) == {"products": [APRON.model_dump(), BOWL.model_dump()], "next": "SKU-2"}
    assert cache.page(page_key("SKU-0", "3")) is None
    cache.keep_page(page_key("Z", None), [], None)
    assert cache.page(page_key("Z", None)) == {"products": [], "next": None}
    cache.drop(["SKU-2"])
    assert cache.page(key) is None


@pytest.mark.parametrize(
    "value",
    [b"", b"{}", b"null", b"\xff\xfe", b"[" * 5000, b'{"sku": "SKU-1"}', BOWL.model_dump_json().encode()]
    + [APRON.model_dump_json().replace("390", price).encode() for price in ('"390"', "-1", "1e400", "NaN")],
)
def test_a_value_that_is_none_of_ours_is_not_there(server: Valkey, value: bytes) -> None:
    """Of another version, another product, or nothing at all; under a page's key, too."""
    client: Any = Redis.from_url(server.url)
    cache = server.cache()
    client.set("product:SKU-1", value)
    client.set(FIRST_PAGE, value)
    client.close()
    assert cache.products(["SKU-1"]) == {}
    assert cache.page(FIRST_PAGE) is None


def test_a_key_of_another_type_is_not_there(server: Valkey) -> None:
    """MGET gives nothing for it, GET an error."""
    client: Any = Redis.from_url(server.url)
    cache = server.cache()
    for key in ("product:SKU-1", FIRST_PAGE):
        client.lpush(key, "a")
    client.close()
    assert cache.products(["SKU-1"]) == {}
    assert cache.page(FIRST_PAGE) is None


def test_a_full_one_makes_room(server: Valkey) -> None:
    """Of 40 MB in 32 what was asked for last stays."""
    client: Any = Redis.from_url(server.url)
    cache = server.cache()
    for number in range(40):
        client.set(f"filling:{number}", b"x" * 1_000_000)
    cache.keep([APRON])
    assert cache.products(["SKU-1"]) == {"SKU-1": APRON}
    assert 20 <= client.dbsize() <= 35
    client.close()


def test_one_that_is_away_costs_nothing_and_is_told_once(server: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """Killed: nothing is known, nobody waits. Back: it is asked again, and the log says both, once."""
    caplog.set_level(logging.INFO, "gateway.cache")
    cache = server.cache()
    cache.keep([APRON])
    server.kill()
    for _ in range(10):
        known, seconds = timed(cache)
        assert known == {} and seconds < CONNECT_SECONDS + SLACK_SECONDS
    server.start()
    deadline = time.monotonic() + caches.PAUSE_SECONDS + 5
    while not cache.products(["SKU-1"]):
        cache.keep([APRON])
        assert time.monotonic() < deadline, "it is never asked again"
        time.sleep(0.1)
    said = [record.getMessage().partition(" (")[0] for record in caplog.records]
    assert said == ["the cache does not answer", "the cache answers again"]


def test_one_that_is_paused_is_waited_for_a_little(server: Valkey) -> None:
    """SIGSTOP: on an old connection and on a new one; then not at all for a while."""
    cache = server.cache()
    cache.keep([APRON])
    server.pause()
    for _ in range(caches.FAILURES):
        known, seconds = timed(cache)
        assert known == {} and ANSWER_SECONDS <= seconds < CONNECT_SECONDS + ANSWER_SECONDS + SLACK_SECONDS
    known, seconds = timed(cache)
    assert known == {} and seconds < ANSWER_SECONDS
    server.resume()


def test_without_a_url_there_is_none() -> None:
    """Where no program for it is to be had."""
    cache = Cache("", CONNECT_SECONDS, ANSWER_SECONDS)
    cache.keep([APRON])
    assert cache.products(["SKU-1"]) == {}


def test_where_nobody_listens_there_is_none() -> None:
    """At once, from the first question on."""
    cache = Cache(f"redis://127.0.0.1:{free_ports(1)[0]}/0", CONNECT_SECONDS, ANSWER_SECONDS)
    known, seconds = timed(cache)
    assert known == {} and seconds < SLACK_SECONDS


def answers(data: bytes) -> Callable[[socket.socket], None]:
    """A server that answers everything with these bytes."""

    def talk(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(data)

    return talk


def without_end(piece: bytes, pause: float) -> Callable[[socket.socket], None]:
    """A server that begins to speak and never stops: a piece, a pause, a piece."""

    def talk(connection: socket.socket) -> None:
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return talk


RUBBISH: dict[str, Callable[[socket.socket], object]] = {
    "hangs up": lambda connection: None,
    "hangs up when asked": lambda connection: connection.recv(10),
    "says nothing": lambda connection: threading.Event().wait(5),
    "HTTP": answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "a number": answers(b":5\r\n"),
    "an error": answers(b"-LOADING it is being read\r\n"),
    "too short a list": answers(b"*1\r\n$-1\r\n"),
    "too long a list": answers(b"*3\r\n$-1\r\n$-1\r\n$-1\r\n"),
    "a list of lists": answers(b"*1\r\n" * 20_000),
    "a length that never comes": answers(b"$999999999999\r\nabc"),
    "a length that is none": answers(b"$x\r\n"),
    "binary": answers(bytes(range(256)) * 10),
    "zeros without end": without_end(bytes(65536), 0),
    "one byte now and then": without_end(b"*", 0.03),
}


@pytest.mark.parametrize("what", RUBBISH.values(), ids=RUBBISH)
def test_a_stranger_on_its_port_is_soon_left(stranger: MakeStranger, what: Callable[[socket.socket], object]) -> None:
    """Whatever it says, nothing is known, it costs little, and after some attempts nobody calls any more."""
    cache = stranger(what).cache()
    spent = 0.0
    for _ in range(caches.FAILURES):
        known, seconds = timed(cache)
        assert known == {} and seconds < CONNECT_SECONDS + 2 * ANSWER_SECONDS + SLACK_SECONDS
        spent += seconds
        cache.keep([APRON])
    known, seconds = timed(cache)
    assert known == {} and seconds < ANSWER_SECONDS


@pytest.mark.parametrize("products", [1, 3000])
def test_the_workshop_empties_it_of_what_the_gateway_keeps(server: Valkey, products: int) -> None:
    """Of products by name, of all of them and all pages, and of nothing else."""
    settings = Settings(_env_file=None, valkey_port=server.port)  # type: ignore[call-arg]
    cache, skus = server.cache(), [f"SKU-{number}" for number in range(1, products + 1)]
    outside.forget_all(settings)
    cache.keep_page(FIRST_PAGE, [APRON.model_copy(update={"sku": sku}) for sku in skus], None)
    with Redis(port=server.port) as client:
        client.set("another's", "own")
        outside.forget(settings, ["SKU-1", "SKU-none"])
        assert set(cache.products(skus)) == set(skus[1:])
        outside.forget_all(settings)
        assert client.keys() == [b"another's"]
    assert cache.products(skus) == {} and cache.page(FIRST_PAGE) is None


def test_a_few_failures_open_the_circuit(stranger: MakeStranger) -> None:
    """Then it has its peace for a while."""
    other = stranger(answers(b"-ERR no\r\n"))
    cache = other.cache()
    for _ in range(50):
        cache.products(["SKU-1"])
    assert 1 <= other.visits <= caches.FAILURES
