"""`spans checkout`: buy something as a customer would, and tell how long it took and where its trace is."""

import contextlib
import random
import re
import time
from dataclasses import dataclass
from typing import Any

import requests

from workshop.shop import history
from workshop.stack import own
from workshop.stack.errors import StackError
from workshop.stack.screen import out, say
from workshop.stack.settings import Settings
from workshop.traces.time.ranks import nearest_rank

GOOD_CARD = "4242424242424242"
# What else a card can be called: by what becomes of it, or by its last four digits.
CARDS = {"": GOOD_CARD, "good": GOOD_CARD, "declined": "4000000000000002"}
ITEM = re.compile(r"([A-Z0-9][A-Z0-9-]{0,31})(?::([0-9]{1,3}))?")
# What an answer says of its trace: the id, and the flags, of which the lowest says whether it is kept.
# https://www.w3.org/TR/trace-context-2/#sampled-flag
TRACE_RESPONSE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
SAMPLED = 0x01
# Longer than the gateway's own limit, which then gives the reason.
SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """One checkout's answer. `sampled`: whether the gateway keeps its trace; an id it has in either case."""

    status: int
    ms: float
    trace_id: str | None
    words: str
    order_id: str | None = None
    sampled: bool = True

    @property
    def good(self) -> bool:
        """Whether the order was confirmed."""
        return 200 <= self.status < 300


def parse_items(text: str) -> list[dict[str, Any]]:
    """`SKU-00001:2 SKU-00017` as items; StackError for what is written otherwise. Commas separate too."""
    items = []
    for word in re.split(r"[\s,]+", text.strip()):
        match = ITEM.fullmatch(word.upper())
        if match is None or not 1 <= int(match[2] or 1) <= 100:
            raise StackError(f"{word[:50]!r} is not an item: write SKU:quantity (1 to 100), for example SKU-00001:2")
        items.append({"sku": match[1], "quantity": int(match[2] or 1)})
    return items


def parse_card(text: str) -> str:
    """A card's number from what a person typed: its digits, its last four, `declined`, or nothing for a good one."""
    word = text.strip().lower().replace(" ", "")
    if word in CARDS:
        return CARDS[word]
    if re.fullmatch(r"[0-9]{4}", word):
        return f"400000000000{word}"
    if not re.fullmatch(r"[0-9]{12,19}", word):
        raise StackError(
            f"CARD is {text[:30]!r}: give declined, 0002 (declined), 0119 (the provider fails), or 12 to 19 digits"
        )
    return word


def pick(products: int, count: int = 3) -> list[dict[str, Any]]:
    """Some different products of the catalogue, one piece each."""
    numbers = random.sample(range(1, products + 1), min(count, products))
    return [{"sku": f"SKU-{number:05d}", "quantity": 1} for number in numbers]


def buy(
    session: requests.Session, settings: Settings, items: list[dict[str, Any]], card: str, customer: str = "workshop"
) -> Outcome:
    """Fire one checkout; StackError when nobody answers."""
    body = {"customer_id": customer, "items": items, "card": card}
    began = time.perf_counter()
    try:
        answer = session.post(f"{settings.gateway_url}/checkout", json=body, timeout=SECONDS)
    except requests.Timeout:
        raise StackError(
            f"the gateway at {settings.gateway_url} did not answer within {SECONDS} s: make status"
        ) from None
    except requests.RequestException:
        raise StackError(
            f"no gateway answers at {settings.gateway_url}: make up starts it, make status tells"
        ) from None
    ms = (time.perf_counter() - began) * 1000
    try:
        told = answer.json()
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    named = TRACE_RESPONSE.fullmatch(answer.headers.get("traceresponse", ""))
    trace_id = told.get("trace_id") or (named and named[1])
    words = told.get("status", "") if answer.ok else told.get("detail") or answer.reason
    sampled = named is None or bool(int(named[2], 16) & SAMPLED)
    return Outcome(answer.status_code, ms, trace_id, str(words), told.get("order_id"), sampled)


def browse(session: requests.Session, settings: Settings) -> None:
    """Look at some page of the catalogue, as customers do before they buy; what comes back does not matter."""
    after = f"SKU-{random.randint(1, settings.seed_products):05d}"
    with contextlib.suppress(requests.RequestException):
        session.get(f"{settings.gateway_url}/products?limit=20&after={after}", timeout=SECONDS)


def run(count: int, items: str, card: str) -> bool:
    """Fire checkouts one after the other and print each; True when all were confirmed."""
    settings = own.system()
    wanted, card = parse_items(items) if items.strip() else None, parse_card(card)
    outcomes = []
    with requests.Session() as session:
        session.trust_env = False  # no proxy stands between this machine and itself
        for _ in range(count):
            outcome = buy(session, settings, wanted or pick(settings.seed_products), card)
            outcomes.append(outcome)
            show(outcome, settings)
            history.append(
                {
                    "kind": "checkout",
                    "trace_id": outcome.trace_id,
                    "status": outcome.status,
                    "ms": round(outcome.ms, 1),
                    "sampled": outcome.sampled,
                }
            )
    good = [outcome.ms for outcome in outcomes if outcome.good]
    if count > 1 and good:
        failed = f" that were confirmed; {count - len(good)} failed" if len(good) < count else ""
        p50, p95 = nearest_rank(good, 50), nearest_rank(good, 95)
        say(f"p50 {p50:,.0f} ms, p95 {p95:,.0f} ms of {len(good)} checkouts{failed}")
    return len(good) == count


def show(outcome: Outcome, settings: Settings) -> None:
    """Status, milliseconds and the trace's page in one line of 80 columns; what went wrong in the next."""
    page = f"{settings.jaeger_url}/trace/{outcome.trace_id}" if outcome.trace_id else "no trace"
    if outcome.trace_id and not outcome.sampled:
        page = f"not sampled, only logged: {outcome.trace_id}"
    out.print(f"{outcome.status}", style="green" if outcome.good else "red", end=" ")
    say(f"{outcome.ms:7,.0f} ms  {page}")
    if not outcome.good or outcome.words != "confirmed":
        say(f"    {outcome.words}")
