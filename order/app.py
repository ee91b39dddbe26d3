"""The order service: POST /orders, GET /orders/<id>."""

import uuid
from functools import partial

from flask import Flask, Response, jsonify
from psycopg import OperationalError

from common import database
from common.digests import Digests
from common.errors import Problem, problem_response
from common.schemas import read_body, read_idempotency_key
from common.service import create_service
from common.settings import load
from order import store
from order.clients import Inventory, Payment
from order.processing import NewOrder, OrderProcessor
from order.settings import REQUEST_SECONDS, Settings


def create_app() -> Flask:
    """The application, with its connection pool open."""
    settings = load(Settings)
    pool = database.open_pool(
        settings.database_url, size=settings.database_pool_size, seconds=settings.database_pool_seconds
    )
    secret = settings.service_secret
    inventory = Inventory(settings.inventory_url, secret, settings.inventory_timeout_seconds)
    payment = Payment(settings.payment_url, secret, settings.payment_timeout_seconds)
    processor = OrderProcessor(pool, inventory, payment, Digests(secret))
    app = create_service("order", {"postgres": partial(database.check, settings.database_url)}, timeout=REQUEST_SECONDS)

    @app.errorhandler(OperationalError)
    def database_away(error: Exception) -> Response:
        return problem_response(database.unavailable(pool, error))

    @app.post("/orders")
    def place() -> tuple[Response, int]:
        order = read_body(NewOrder)
        key = read_idempotency_key() or str(uuid.uuid4())
        return jsonify(processor.process(str(uuid.uuid4()), key, order)), 201

    @app.get("/orders/<uuid:order_id>")
    def show(order_id: uuid.UUID) -> Response:
        with pool.connection() as connection:
            found = store.find(connection, str(order_id))
        if found is None:
            raise Problem(404, f"there is no order {order_id}")
        for moment in ("created_at", "announced_at"):
            found[moment] = found[moment] and found[moment].isoformat()
        return jsonify(found)

    return app
