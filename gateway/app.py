"""The gateway: the public API and the shop page."""

import logging
import uuid

from flask import Flask, Response, jsonify, render_template, request
from opentelemetry import trace
from opentelemetry.instrumentation.propagators import set_global_response_propagator

from common.errors import Problem, problem_response
from common.schemas import Card, CustomerId, Items, read_body, read_idempotency_key
from common.service import create_service
from common.settings import load
from common.telemetry import TraceHeaders
from gateway import openapi
from gateway.cache import Cache
from gateway.catalogue import Catalogue
from gateway.clients import Inventory, Orders
from gateway.settings import Settings

log = logging.getLogger(__name__)

# Scripts, styles and requests of the shop's own only, nothing inline, in nobody else's frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Checkout(Items):
    """The body of POST /checkout."""

    customer_id: CustomerId
    card: Card


def current_trace_id() -> str | None:
    """The trace that this request belongs to; None when nothing is traced."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def tell_what_is_open(problem: Problem, idempotency_key: str, *, theirs: bool) -> None:
    """Add to a checkout's problem what its customer needs in order not to buy twice.

    The order service tells an order's status. Without its word there may be an order all the same, unless nothing was
    begun. Whoever comes again while it is open must do it with the same key, also when that was made here: a customer
    who gave none, and may obey Retry-After without reading the rest, is not invited.
    """
    if "order_status" not in problem.extra and not problem.refused:
        problem.extra["order_status"] = "unknown"
        if problem.status < 500:
            problem.status, problem.detail = 503, f"the first answer was lost, the second said: {problem.detail}"
    if problem.extra.get("order_status") in ("pending", "unknown"):
        problem.extra["idempotency_key"] = idempotency_key
        if not theirs:
            problem.headers.pop("Retry-After", None)


def create_app() -> Flask:
    """The application."""
    settings = load(Settings)
    orders = Orders(settings.order_url)
    cache = Cache(settings.cache_url, settings.cache_connect_ms / 1000, settings.cache_answer_ms / 1000)
    catalogue = Catalogue(cache, Inventory(settings.inventory_url))
    app = create_service("gateway", {}, timeout=20.0)
    # Every answer names its trace.
    set_global_response_propagator(TraceHeaders())  # type: ignore[no-untyped-call]

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    # Instead of the one that every service has, and for its errors of every kind.
    @app.errorhandler(Problem)
    def with_trace_id(problem: Problem) -> Response:
        problem.extra["trace_id"] = current_trace_id()
        return problem_response(problem)

    @app.get("/")
    def shop() -> str:
        return render_template("shop.html", trace_url=settings.trace_url, console_url=settings.console_url)

    @app.post("/checkout")
    def checkout() -> tuple[Response, int]:
        # A key of our own where the client has none: a call to the order service may have to be repeated.
        given = read_idempotency_key()
        key = given or str(uuid.uuid4())
        wanted = read_body(Checkout)
        log.info("checkout of %s: %s", wanted.customer_id, wanted.listed())
        # What the receipt needs is looked up beside the order. It is never waited for long.
        lookup = catalogue.look_up([item.sku for item in wanted.items])
        try:
            order = orders.place(wanted.model_dump(), key)
        except Problem as problem:
            lookup.give_up()
            tell_what_is_open(problem, key, theirs=given is not None)
            raise
        receipt = catalogue.receipt(wanted.items, order, lookup.result() or {})
        return jsonify(**order, items=receipt, trace_id=current_trace_id()), 201

    @app.get("/products")
    def products() -> Response:
        return jsonify(catalogue.page(request.args.get("after"), request.args.get("limit")))

    @app.get("/orders/<uuid:order_id>")
    def order(order_id: object) -> Response:
        return jsonify(orders.find(str(order_id)))

    @app.get("/openapi.json")
    def api_document() -> Response:
        return jsonify(openapi.document(Checkout))

    return app
