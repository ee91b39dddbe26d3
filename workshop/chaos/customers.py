"""Customers who do not give up: they repeat a checkout with the same Idempotency-Key until they have an answer."""

import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

import requests

from workshop.shop.checkout import GOOD_CARD

DECLINED_CARD = "4000000000000002"
FAILING_CARD = "4000000000000119"
# What customers pay with, and how many of a hundred do.
CARDS = {GOOD_CARD: 90, DECLINED_CARD: 6, FAILING_CARD: 4}
# The products that everyone wants, so that orders meet at the same rows.
HOT_PRODUCTS = 20
# Longer than the gateway's own limit.
TIMEOUT = 25.0
FINAL = {201: "confirmed", 402: "declined", 409: "refused", 422: "refused"}


@dataclass
class Checkout:
    """A checkout as its customer saw it. Each has a customer of its own, so that the order can be found."""

    customer: str
    outcome: str  # confirmed, declined, refused, or gave up
    order_id: str | None
    retries: int


class Customers:
    """Some customers who buy at once, until they are told to stop.

    `patience` is how long, in seconds, one repeats a checkout before it gives up.
    """

    def __init__(self, gateway: str, products: int, count: int, patience: float) -> None:
        self.gateway = gateway
        self.products = products
        self.patience = patience
        self.name = f"chaos-{uuid.uuid4().hex[:12]}"
        self.checkouts: list[Checkout] = []
        self.answers: Counter[int] = Counter()  # by status; 0 is no answer
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._buy, args=(n,), daemon=True) for n in range(count)]

    def start(self) -> None:
        """Let them in."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Nobody begins another checkout."""
        self._stop.set()

    def join(self) -> None:
        """Wait until everyone has an answer, or has given up."""
        for thread in self._threads:
            thread.join()

    def busy(self) -> int:
        """How many still wait for their answer."""
        return sum(thread.is_alive() for thread in self._threads)

    def figures(self) -> Counter[str]:
        """Checkouts by outcome; `retries` and `sent`, too."""
        with self._lock:
            found = Counter(checkout.outcome for checkout in self.checkouts)
            found["sent"] = len(self.checkouts)
            found["retries"] = sum(checkout.retries for checkout in self.checkouts)
        return found

    def _buy(self, number: int) -> None:
        chance = random.Random()
        count = 0
        while not self._stop.is_set():
            count += 1
            made = self._checkout(f"{self.name}-{number}-{count}", chance)
            with self._lock:
                self.checkouts.append(made)

    def _checkout(self, customer: str, chance: random.Random) -> Checkout:
        """One checkout, repeated until its answer is final."""
        card = chance.choices(list(CARDS), list(CARDS.values()))[0]
        body = {"customer_id": customer, "items": self._items(chance), "card": card}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        deadline = time.monotonic() + self.patience
        retries = 0
        with requests.Session() as session:
            session.trust_env = False
            while True:
                status, told = self._ask(session, body, headers)
                if status in FINAL and told.get("reason") != "in_progress":
                    return Checkout(customer, FINAL[status], told.get("order_id"), retries)
                # For such a card there is no better answer, however often it is asked for.
                if card == FAILING_CARD and status == 502 and retries:
                    return Checkout(customer, "refused", told.get("order_id"), retries)
                if time.monotonic() > deadline:
                    return Checkout(customer, "gave up", told.get("order_id"), retries)
                retries += 1
                time.sleep(chance.uniform(0.2, 1.0))

    def _ask(
        self, session: requests.Session, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer; 0 without one."""
        try:
            answer = session.post(f"{self.gateway}/checkout", json=body, headers=headers, timeout=TIMEOUT)
            status, told = answer.status_code, answer.json()
        except requests.RequestException:
            status, told = 0, {}
        with self._lock:
            self.answers[status] += 1
        return status, told if isinstance(told, dict) else {}

    def _items(self, chance: random.Random) -> list[dict[str, Any]]:
        """One to three products, hot ones more often than not."""
        most = HOT_PRODUCTS if chance.random() < 0.6 else self.products
        numbers = chance.sample(range(1, max(most, 3) + 1), chance.randint(1, 3))
        return [{"sku": f"SKU-{number:05d}", "quantity": chance.randint(1, 2)} for number in numbers]
