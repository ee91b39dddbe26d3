"""Customers who do not give up, each in a way of its own.

Careful ones repeat a checkout with the same Idempotency-Key until they have an answer. Some take the id of their first
order for the key of a second one. Some know nothing of keys, and come again only when an answer invites them to.
"""

import itertools
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

import requests

from workshop.shop.checkout import GOOD_CARD

DECLINED_CARD = "4000000000000002"
FAILING_CARD = "4000000000000119"
# What customers pay with, and how many of a hundred do.
CARDS = {GOOD_CARD: 90, DECLINED_CARD: 6, FAILING_CARD: 4}
# The products that everyone wants, so that orders meet at the same rows.
HOT_PRODUCTS = 20
# How many of a hundred customers are of which kind.
WAYS = {"careful": 60, "takes an id for a key": 20, "without a key": 20}
# Longer than the gateway's own limit.
TIMEOUT = 25.0
# Some are in a hurry: what they give the gateway, in ms, and how often.
HURRY = (20, 600)
HURRIED = 0.1
# How often one asks once more for an answer that is final.
ASKED_AGAIN = 0.1
FINAL = {201: "confirmed", 402: "declined", 409: "refused", 422: "refused"}


@dataclass
class Checkout:
    """A checkout as its customer saw it. Customers are told from one another by name, so that orders can be found."""

    customer: str
    outcome: str  # confirmed, declined, refused; gave up, or never learned what became of it
    order_id: str | None
    retries: int


class Answer(NamedTuple):
    """What was told; status 0 is no answer."""

    status: int
    told: dict[str, Any]
    invites: bool = False  # whether it says to come again

    @property
    def outcome(self) -> str | None:
        """What became of the checkout; None when it may still become something else."""
        return None if self.told.get("reason") == "in_progress" else FINAL.get(self.status)

    @property
    def order_id(self) -> str | None:
        """The order that it is about."""
        return self.told.get("order_id")


class Customers:
    """Some customers who buy at once, until they are told to stop. The same seed makes the same customers.

    `patience` is how long, in seconds, one repeats a checkout before it gives up.
    """

    def __init__(self, gateways: list[str], products: int, count: int, patience: float, seed: int = 0) -> None:
        self.gateways = gateways
        self.products = products
        self.patience = patience
        self.name = f"chaos-{uuid.uuid4().hex[:12]}"
        self.checkouts: list[Checkout] = []
        self.answers: Counter[int] = Counter()  # by status; 0 is no answer
        self.wrong: list[str] = []  # a sentence for each answer that must not be
        self._lock = threading.Lock()
        self._stop = threading.Event()
        chances = [random.Random(f"{seed} {number}") for number in range(count)]
        self._threads = [
            threading.Thread(target=self._buy, args=(number, chance), daemon=True)
            for number, chance in enumerate(chances)
        ]

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

    def _buy(self, number: int, chance: random.Random) -> None:
        for count in itertools.count(1):
            if self._stop.is_set():
                return
            customer = f"{self.name}-{number}-{count}"
            way = chance.choices(list(WAYS), list(WAYS.values()))[0]
            key = None if way == "without a key" else str(uuid.UUID(int=chance.getrandbits(128)))
            made = self._checkout(customer, key, chance)
            if way == "takes an id for a key" and made.order_id:
                self._checkout(customer, made.order_id, chance)

    def _checkout(self, customer: str, key: str | None, chance: random.Random) -> Checkout:
        """One checkout, repeated until its answer is final, or as long as an answer invites to it."""
        card = chance.choices(list(CARDS), list(CARDS.values()))[0]
        body = {"customer_id": customer, "items": self._items(chance), "card": card}
        deadline = time.monotonic() + self.patience
        with requests.Session() as session:
            session.trust_env = False
            for retries in itertools.count():
                answer = self._ask(session, body, key, chance)
                outcome = answer.outcome
                if outcome and key and chance.random() < ASKED_AGAIN:
                    self._ask_again(session, body, key, answer, chance)
                # For such a card there is no better answer, however often it is asked for.
                if card == FAILING_CARD and answer.status == 502 and retries:
                    outcome = "refused"
                if outcome is None and key is None and not answer.invites:
                    outcome = "unsure"
                if outcome is None and time.monotonic() > deadline:
                    outcome = "gave up"
                if outcome:
                    made = Checkout(customer, outcome, answer.order_id, retries)
                    break
                time.sleep(chance.uniform(0.2, 1.0))
        with self._lock:
            self.checkouts.append(made)
        return made

    def _ask_again(
        self, session: requests.Session, body: dict[str, Any], key: str, first: Answer, chance: random.Random
    ) -> None:
        """The first answer stands, whoever asks for it when."""
        again = self._ask(session, body, key, chance)
        if again.outcome and (again.status, again.order_id) != (first.status, first.order_id):
            told = f"{first.status} ({first.order_id}), then {again.status} ({again.order_id})"
            self._complain(f"{body['customer_id']} was answered {told}, with the same key and body")

    def _ask(self, session: requests.Session, body: dict[str, Any], key: str | None, chance: random.Random) -> Answer:
        """The answer, from one of the gateways."""
        headers = {"Idempotency-Key": key} if key else {}
        if chance.random() < HURRIED:
            headers["X-Timeout-Ms"] = str(chance.randint(*HURRY))
        try:
            url = f"{chance.choice(self.gateways)}/checkout"
            got = session.post(url, json=body, headers=headers, timeout=TIMEOUT)
            told = got.json()
            answer = Answer(
                got.status_code,
                told if isinstance(told, dict) else {},
                got.status_code == 503 and "Retry-After" in got.headers,
            )
        except requests.RequestException:
            answer = Answer(0, {})
        with self._lock:
            self.answers[answer.status] += 1
        if answer.told.get("reason") == "idempotency_key_reused":
            self._complain(f"{body['customer_id']} was told that the key {key} was used for another order; it was not")
        return answer

    def _complain(self, sentence: str) -> None:
        with self._lock:
            self.wrong.append(sentence)

    def _items(self, chance: random.Random) -> list[dict[str, Any]]:
        """One to three products, hot ones more often than not."""
        most = HOT_PRODUCTS if chance.random() < 0.6 else self.products
        numbers = chance.sample(range(1, max(most, 3) + 1), chance.randint(1, 3))
        return [{"sku": f"SKU-{number:05d}", "quantity": chance.randint(1, 2)} for number in numbers]
