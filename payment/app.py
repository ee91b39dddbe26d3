"""The payment service: charges, and their cancellation."""

import logging
import uuid

from flask import Flask, Response, jsonify
from pydantic import Field

from common.schemas import MOST_CENTS, Body, Card, OrderId, read_body
from common.service import create_service
from common.settings import load
from payment.clients import Provider
from payment.settings import Settings

log = logging.getLogger(__name__)


class NewCharge(Body):
    """The body of POST /charges."""

    order_id: OrderId
    amount_cents: int = Field(ge=1, le=MOST_CENTS)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    card: Card


def create_app() -> Flask:
    """The application."""
    settings = load(Settings)
    provider = Provider(
        settings.provider_url, attempts=settings.provider_attempts, timeout=settings.provider_timeout_seconds
    )
    app = create_service("payment", {}, timeout=8.0, secret=settings.service_secret)

    @app.post("/charges")
    def charge() -> tuple[Response, int]:
        body = read_body(NewCharge)
        made = provider.charge(body.order_id, body.amount_cents, body.currency, body.card)
        log.info("captured %.2f %s", body.amount_cents / 100, body.currency, extra={"order_id": body.order_id})
        return jsonify(charge_id=made["id"], order_id=body.order_id, status="captured"), 201

    @app.post("/charges/<uuid:order_id>/cancel")
    def cancel(order_id: uuid.UUID) -> Response:
        decided = provider.cancel(str(order_id))
        return jsonify(
            order_id=str(order_id),
            status=decided["status"],
            message=decided.get("message"),
            amount_cents=decided.get("amount"),
            currency=decided.get("currency"),
        )

    return app
