"""The inventory service: GET /products, POST and DELETE /reservations."""

import logging
import re
from functools import partial

from flask import Flask, Response, jsonify, request
from psycopg import OperationalError

from common import database
from common.errors import Problem, problem_response
from common.schemas import SKU, Items, OrderId, read_body
from common.service import create_service
from common.settings import load
from inventory import reservations, store
from inventory.settings import Settings

log = logging.getLogger(__name__)


# By name at once: more than an order can have.
MOST_SKUS = 100


class NewReservation(Items):
    """The body of POST /reservations."""

    order_id: OrderId


def wanted_skus() -> list[str]:
    """The skus that GET /products is asked for by name; Problem 422 when they are none, too many, or for a page."""
    skus = request.args.getlist("sku")
    if set(request.args) != {"sku"}:
        raise Problem(422, "a page (after, limit) and products by name (sku) are asked for one by one")
    if len(skus) > MOST_SKUS:
        raise Problem(422, f"sku may stand at most {MOST_SKUS} times")
    for sku in skus:
        if not re.fullmatch(SKU, sku):
            raise Problem(422, "sku must be 1 to 32 capital letters, digits and hyphens, no hyphen first")
    return skus


def create_app() -> Flask:
    """The application, with its connection pool open."""
    settings = load(Settings)
    pool = database.open_pool(
        settings.database_url, size=settings.database_pool_size, seconds=settings.database_pool_seconds
    )
    checks = {"postgres": partial(database.check, settings.database_url)}
    app = create_service("inventory", checks, timeout=9.0, secret=settings.service_secret)

    @app.errorhandler(OperationalError)
    def database_away(error: Exception) -> Response:
        return problem_response(database.unavailable(pool, error))

    @app.get("/products")
    def products() -> Response:
        if "sku" in request.args:
            with pool.connection() as connection:
                return jsonify(products=store.find_products(connection, wanted_skus()), next=None)
        given = request.args.get("limit", "100")
        limit = int(given) if re.fullmatch(r"[0-9]{1,4}", given) else 0
        if not 1 <= limit <= 1000:
            raise Problem(422, "limit must be a number from 1 to 1000")
        after = request.args.get("after", "")
        if len(after) > 32 or "\0" in after:
            raise Problem(422, "after must be a sku")
        with pool.connection() as connection:
            found = store.list_products(connection, after, limit)
        return jsonify(products=found, next=found[-1]["sku"] if len(found) == limit else None)

    @app.post("/reservations")
    def reserve() -> tuple[Response, int]:
        body = read_body(NewReservation)
        with pool.connection() as connection:
            reservation = reservations.reserve(connection, body.order_id, body.items)
        log.info("reserved %s", body.listed(), extra={"order_id": body.order_id})
        return jsonify(reservation), 201

    @app.delete("/reservations/<uuid:order_id>")
    def release(order_id: object) -> Response:
        with pool.connection() as connection:
            released = store.release(connection, str(order_id))
        return jsonify(order_id=str(order_id), released=released)

    return app
