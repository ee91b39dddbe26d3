"""The provider's API: POST /v1/charges.

The sleep in here is the only one in the system: it stands for the network and the machine room of a company
that nobody in the room works for.
"""

import hashlib
import math
import random
import re
import time
import uuid
from typing import Any

from flask import Flask, Response, jsonify, request
from pydantic import Field

from common.settings import ServiceSettings, load
from services.provider.store import Answers

CURRENCY = re.compile(r"[A-Z]{3}")
CARD = re.compile(r"[0-9]{12,19}")


class Settings(ServiceSettings):
    """The provider's settings."""

    provider_db: str = Field(":memory:", description="SQLite file of the answers given")
    provider_latency_ms: float = Field(43.0, ge=0, le=60_000, description="median latency")
    provider_latency_sigma: float = Field(0.1, ge=0, le=2, description="spread of the latency's logarithm")


def create_app() -> Flask:
    """The application, with its file open."""
    settings = load(Settings)
    answers = Answers(settings.provider_db)
    draw = random.Random()
    app = Flask("provider")
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024

    def draw_latency() -> float:
        """Milliseconds; lognormal, as the latencies of far services are."""
        median = max(settings.provider_latency_ms, 0.001)
        return draw.lognormvariate(math.log(median), settings.provider_latency_sigma)

    @app.get("/healthz")
    @app.get("/readyz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.post("/v1/charges")
    def charge() -> tuple[Response, int]:
        key = request.headers.get("Idempotency-Key", "")
        body: Any = request.get_json(silent=True)
        if not 1 <= len(key) <= 255:
            return refuse(400, "an Idempotency-Key header of 1 to 255 characters is needed")
        fault = fault_of(body)
        if fault:
            return refuse(422, fault)
        time.sleep(draw_latency() / 1000)
        if body["card"].endswith("0119"):
            return refuse(500, "an error occurred while processing the card")
        # A card number is not to be found in the file.
        wanted = repr([body["amount"], body["currency"], body["card"]])
        fingerprint = hashlib.sha256(wanted.encode()).hexdigest()
        if body["card"].endswith("0002"):
            status, answer = 402, {"code": "card_declined", "message": "the card was declined"}
        else:
            status = 201
            answer = {
                "id": f"ch_{uuid.uuid4().hex}",
                "amount": body["amount"],
                "currency": body["currency"],
                "status": "captured",
            }
        first, status, answer = answers.keep(key, fingerprint, status, answer)
        if first != fingerprint:
            return refuse(409, "this idempotency key was used for another charge")
        return jsonify(answer), status

    return app


def fault_of(body: object) -> str | None:
    """What is wrong with a charge's body; None when it is right."""
    if not isinstance(body, dict):
        return "the body must be a JSON object"
    amount, currency, card = body.get("amount"), body.get("currency"), body.get("card")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= 100_000_000:
        return "amount must be a number of cents from 1 to 100000000"
    if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
        return "currency must be three capital letters"
    if not isinstance(card, str) or not CARD.fullmatch(card):
        return "card must be 12 to 19 digits"
    return None


def refuse(status: int, message: str) -> tuple[Response, int]:
    """An error as this API tells it."""
    return jsonify(code=status, message=message), status
