"""The provider's API: charges, and their cancellation, by idempotency key.

The sleep in here is the only one in the system: it stands for the network and the machine room of a company
that nobody in the room works for.
"""

import hashlib
import math
import random
import re
import threading
import time
import uuid
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from common.errors import Problem
from common.schemas import check_members
from common.serving import hosts
from common.settings import load
from services.provider.settings import Settings
from services.provider.store import Answer, Answers

CURRENCY = re.compile(r"[A-Z]{3}")
# What the merchant calls the charge in its own books.
REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,64}")
CARD = re.compile(r"[0-9]{12,19}")
CANCELED = {"status": "canceled", "code": "canceled", "message": "this charge was canceled"}


def create_app() -> Flask:
    """The application, with its file open."""
    settings = load(Settings)
    answers = Answers(settings.provider_db)
    draw = random.Random()
    machines = threading.BoundedSemaphore(settings.provider_capacity)
    app = Flask("provider")
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024

    def far_away() -> None:
        """Take as long as a far service does: a lognormal time, once one of its machines is free.

        Whoever has stopped waiting meanwhile is worked for all the same: nobody has told it how long they wait.
        """
        median = max(settings.provider_latency_ms, 0.001)
        with machines:
            time.sleep(draw.lognormvariate(math.log(median), settings.provider_latency_sigma) / 1000)

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> tuple[Response, int]:
        return jsonify(code=error.code, message=error.description), error.code or 500

    names = hosts.allowed("provider")

    @app.before_request
    def known_host() -> None:
        if problem := hosts.refusal(request.headers.get("Host"), names):
            abort(403, problem)

    @app.get("/healthz")
    @app.get("/readyz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.post("/v1/charges")
    def charge() -> tuple[Response, int]:
        key, body = idempotency_key(), wanted_charge()
        far_away()
        if body["card"].endswith("0119"):
            abort(500, "an error occurred while processing the card")
        # A card number is not to be found in the file.
        wanted = repr([body["amount"], body["currency"], body["card"]])
        fingerprint = hashlib.sha256(wanted.encode()).hexdigest()
        answer = answers.keep(Answer(key, fingerprint, *decide(body)))
        if answer.body["status"] != "canceled" and answer.request != fingerprint:
            abort(409, "this idempotency key was used for another charge")
        return jsonify(answer.body), answer.status

    @app.post("/v1/charges/cancel")
    def cancel() -> Response:
        """Whatever was decided for the key stands; where nothing was, no charge can be made with it any more."""
        key = idempotency_key()
        far_away()
        return jsonify(answers.keep(Answer(key, "cancel", 409, CANCELED)).body)

    @app.post("/v1/charges/refund")
    def refund() -> Response:
        """Give back what was captured with the key, once; the charge can then not be made again."""
        key = idempotency_key()
        far_away()
        stands = answers.refund(key)
        if stands is None or stands.body["status"] != "refunded":
            abort(409, f"nothing was captured with this key: {stands.body['status'] if stands else 'it is unknown'}")
        return jsonify(stands.body)

    @app.get("/v1/charges")
    def charges() -> Response:
        given = request.args.get("limit", "100")
        limit = int(given) if re.fullmatch(r"[0-9]{1,4}", given) else 0
        if not 1 <= limit <= 1000:
            abort(422, "limit must be a number from 1 to 1000")
        page = answers.page(request.args.get("after", ""), limit)
        found = [{"idempotency_key": answer.key, **answer.body} for answer in page]
        return jsonify(charges=found, next=page[-1].key if len(page) == limit else None)

    return app


def decide(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a charge that is well formed."""
    if body["card"].endswith("0002"):
        return 402, {"status": "declined", "code": "card_declined", "message": "the card was declined"}
    made = {"id": f"ch_{uuid.uuid4().hex}", "amount": body["amount"], "currency": body["currency"]}
    reference = {"reference": body["reference"]} if "reference" in body else {}
    return 201, {"status": "captured", **made, **reference}


def idempotency_key() -> str:
    """The request's key; 400 without one."""
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 255:
        abort(400, "an Idempotency-Key header of 1 to 255 characters is needed")
    return key


def wanted_charge() -> dict[str, Any]:
    """The request's body; 422 when it is not a charge, 400 when one of its members stands twice."""
    body: Any = request.get_json(silent=True)
    if body is not None:
        try:
            check_members(request.get_data())
        except Problem as problem:
            abort(400, problem.detail)
    if not isinstance(body, dict):
        abort(422, "the body must be a JSON object")
    amount, currency, card = body.get("amount"), body.get("currency"), body.get("card")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= 100_000_000:
        abort(422, "amount must be a number of cents from 1 to 100000000")
    if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
        abort(422, "currency must be three capital letters")
    if not isinstance(card, str) or not CARD.fullmatch(card):
        abort(422, "card must be 12 to 19 digits")
    reference = body.get("reference", "none")
    if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
        abort(422, "reference must be 1 to 64 letters, digits and . _ -")
    return body
