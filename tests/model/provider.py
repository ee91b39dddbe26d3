"""A payment provider that may do anything that a provider may do, with a ledger of what it really captured."""

import json
from typing import Any, NamedTuple

CANCELED = {"status": "canceled", "code": "canceled", "message": "this charge was canceled"}
DECLINED = {"status": "declined", "code": "card_declined", "message": "the card was declined"}
BUSY = {"code": "in_progress", "message": "a request with this idempotency key is in progress"}
# Cards that end so are declined; or make every attempt fail.
DECLINED_CARD, FAILING_CARD = "4000000000000002", "4000000000000119"


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    body: dict[str, Any]


class Provider:
    """Charges by idempotency key. `moods` says how it takes the next requests: none means well."""

    def __init__(self) -> None:
        self.answers: dict[str, Reply] = {}
        self.busy: set[str] = set()  # keys of requests that have arrived and are still being worked on
        self.moods: list[str] = []

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Answer a request as it is when it arrives."""
        if method == "GET":
            charges = [{"idempotency_key": key, **reply.body} for key, reply in sorted(self.answers.items())]
            return Reply(200, {"charges": charges, "next": None})
        key = headers["Idempotency-Key"]
        if key in self.busy:
            return Reply(409, BUSY)
        mood = self.moods.pop(0) if self.moods else ""
        if mood == "fails":
            return Reply(500, {"message": "try again"})
        if mood == "too many":
            return Reply(429, {"message": "slow down"})
        reply = self.cancel(key) if path.endswith("/cancel") else self.charge(key, json.loads(body))
        # It did it, and fell over afterwards: its answer says nothing of it.
        return Reply(500, {"message": "try again"}) if mood == "does it, then fails" else reply

    def charge(self, key: str, wanted: dict[str, Any]) -> Reply:
        """Decide a charge, once for each key."""
        if wanted["card"] == FAILING_CARD:
            return Reply(500, {"message": "the card cannot be processed"})
        if key not in self.answers:
            money = {"amount": wanted["amount"], "currency": wanted["currency"]}
            captured = {"status": "captured", "id": f"ch_{len(self.answers)}", **money}
            self.answers[key] = Reply(402, DECLINED) if wanted["card"] == DECLINED_CARD else Reply(201, captured)
        return self.answers[key]

    def cancel(self, key: str) -> Reply:
        """What was decided stands; where nothing was, no charge is made any more."""
        return Reply(200, self.answers.setdefault(key, Reply(409, CANCELED)).body)

    def captured(self) -> set[str]:
        """The keys, which are orders' ids, whose charges were captured."""
        return {key for key, reply in self.answers.items() if reply.body["status"] == "captured"}
