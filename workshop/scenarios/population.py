"""Fresh traces: customers who buy for some seconds, and every trace that began meanwhile."""

import contextlib
import random
import threading
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

import requests
from redis import RedisError

from workshop.scenarios.model import Population, Traffic
from workshop.shop import cache, checkout, ledger
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings
from workshop.traces.model.trace import Trace
from workshop.traces.sources.jaeger import JaegerClient, TraceNotFound

# Traces of one search at most: more than the busiest population has.
MOST = 1000
# The spans of one request come from several processes, each of which sends in its own time.
QUIET_SECONDS = 1.0
LATEST_SECONDS = 15.0
# For so long it is looked whether others buy.
LOOK_SECONDS = 2.0
# So many checkouts are bought at least, however slow they are.
LEAST = 8
SERVICES = ("gateway", "order", "inventory", "payment", "order-worker")


def fresh(settings: Settings, traffic: Traffic, least: int = LEAST) -> Population:
    """Buy for the traffic's seconds, and at least so many times; the traces of all of it.

    StackError when nobody answers. Whoever interrupts it waits for the checkouts in hand at most.
    """
    if traffic.cold:
        with contextlib.suppress(RedisError):  # a cache that is not there knows nothing
            cache.forget_all(settings)
    began = time.time()
    bought = buy(settings, traffic, least)
    traces = settled(settings, began, bought, messages=traffic.messages)
    return Population(traces, plan_lines(settings))


def buy(settings: Settings, traffic: Traffic, least: int) -> list[str]:
    """Have the customers buy; the ids of the checkouts' traces."""
    until, over, failed = time.monotonic() + traffic.seconds, threading.Event(), list[StackError]()
    numbers, found = count(), list[str]()

    def customer(after: float, once: bool) -> None:
        over.wait(after)
        try:
            with requests.Session() as session:
                session.trust_env = False
                while not over.is_set() and (time.monotonic() < until or len(found) < least):
                    items = cart(settings, traffic, next(numbers))
                    outcome = checkout.buy(session, settings, items, checkout.GOOD_CARD)
                    found.append(outcome.trace_id or "")
                    if once:
                        return
                    if traffic.browse:
                        checkout.browse(session, settings)
                    over.wait(traffic.pause)
        except StackError as error:
            failed.append(error)
            over.set()

    # Customers with a pause do not come all at the same moment; those of a surge do.
    comings = [(number * traffic.pause / traffic.users, False) for number in range(traffic.users)]
    comings += [(traffic.seconds / 4, True)] * traffic.surge
    threads = [threading.Thread(target=customer, args=coming, daemon=True) for coming in comings]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        over.set()
    if failed:
        raise failed[0]
    return [each for each in found if each]


def cart(settings: Settings, traffic: Traffic, number: int) -> list[dict[str, Any]]:
    """The lines of a cart, in no order."""
    products = min(traffic.products or settings.seed_products, settings.seed_products)
    items = checkout.pick(products, traffic.carts[number % len(traffic.carts)])
    random.shuffle(items)
    return items


def bought_by_others(settings: Settings) -> float:
    """Checkouts a second that are begun while nobody buys here: looks for some seconds."""
    began = time.time()
    time.sleep(LOOK_SECONDS + QUIET_SECONDS)
    ended = began + LOOK_SECONDS
    client = JaegerClient(settings.jaeger_url)
    return len(client.search("gateway", "POST /checkout", start=began, end=ended, limit=MOST)) / LOOK_SECONDS


def settled(settings: Settings, began: float, bought: list[str], *, messages: bool) -> list[Trace]:
    """Every trace that began from then until now, once no more spans of them come. `messages`: deliveries from later
    on, too.
    """
    client, ended = JaegerClient(settings.jaeger_url), time.time()
    deadline, seen, quiet_since = time.monotonic() + LATEST_SECONDS, (-1, -1), time.monotonic()
    while True:
        # Others may buy all the while: what they begin later is not whole in the end.
        ids = _ids(client, began, ended) | set(bought)
        if messages:
            ids |= _ids(client, began, None, ["order-worker"])
        now = len(ids), _spans(client, bought[-1:])
        if now != seen:
            seen, quiet_since = now, time.monotonic()
        if time.monotonic() - quiet_since >= QUIET_SECONDS or time.monotonic() > deadline:
            return _traces(client, ids)
        time.sleep(0.1)


def _ids(client: JaegerClient, began: float, ended: float | None, services: Sequence[str] = SERVICES) -> set[str]:
    found = [client.search(service, start=began, end=ended, limit=MOST) for service in services]
    return {each.trace_id for some in found for each in some}


def _spans(client: JaegerClient, ids: list[str]) -> int:
    return sum(len(trace) for trace in _traces(client, set(ids)))


def _traces(client: JaegerClient, ids: set[str]) -> list[Trace]:
    found = []
    for each in ids:
        try:
            found.append(client.get_trace(each))
        except TraceNotFound:  # a sampler left it out, or it was lost on the way
            continue
    return sorted(found, key=lambda trace: trace.start)


def plan_lines(settings: Settings) -> tuple[str, ...]:
    """PostgreSQL's plan for the statement that sums the ledger, run for real; none when it cannot be had."""
    try:
        return tuple(ledger.plan(settings, ledger.products(settings, 3)))
    except StackError:
        return ()
