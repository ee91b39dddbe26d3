"""The OpenAPI document of the public API. Its schemas are models: what a request is checked with, and the answers."""

from typing import Any

from pydantic import BaseModel

from gateway.answers import Confirmation, Order, Problem, Products, schemas

ORDER_ID = {"type": "string", "format": "uuid"}
TIMEOUT = {
    "name": "X-Timeout-Ms",
    "in": "header",
    "description": "how long the client waits, in ms; what cannot be answered in time is answered with 504",
    "schema": {"type": "integer", "minimum": 0, "maximum": 9_999_999},
}


def _answer(description: str, model: type[BaseModel]) -> dict[str, Any]:
    kind = "application/problem+json" if model is Problem else "application/json"
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    return {"description": description, "content": content}


def _problems(**described: str) -> dict[str, Any]:
    """Problem answers by status: `_problems(_404="…")`."""
    return {status.lstrip("_"): _answer(text, Problem) for status, text in described.items()}


def document(checkout: type[BaseModel]) -> dict[str, Any]:
    """The document; `checkout` is the model of POST /checkout's body."""
    away = _problems(
        _503="a service or its database is away or too busy: Retry-After says when to try again",
        _504="a service did not answer in time",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Slow Checkout", "version": "1.0.0", "description": "A shop's checkout."},
        "paths": {
            "/checkout": {
                "post": {
                    "operationId": "checkout",
                    "summary": "Buy some products",
                    "parameters": [
                        {
                            "name": "Idempotency-Key",
                            "in": "header",
                            "description": "a repetition with the same key gets the first request's order",
                            "schema": {"type": "string", "pattern": r"^[!-+\--~]{1,128}$"},
                        },
                        TIMEOUT,
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Checkout"}}},
                    },
                    "responses": {
                        "201": {
                            **_answer("The order is confirmed", Confirmation),
                            "headers": {
                                "traceresponse": {
                                    "description": "version, trace id, span id and flags of the request's trace; the "
                                    "lowest flag says whether it was sampled",
                                    "schema": {"type": "string"},
                                }
                            },
                        },
                        **_problems(
                            _400="the body is not JSON, or a header is malformed",
                            _402="the card was declined; nothing was charged or taken",
                            _408="the body did not come",
                            _409="too few pieces on hand, nothing was charged or taken; or the first request with this "
                            "Idempotency-Key is still being worked on",
                            _413="the body is too large",
                            _415="the body's Content-Type is not application/json",
                            _422="the body is not a checkout, or names a product that does not exist",
                            _502="the payment provider failed; what was taken from the stock is given back: at once, "
                            "or within a minute when order_status is pending",
                        ),
                        **away,
                    },
                }
            },
            "/orders/{order_id}": {
                "get": {
                    "operationId": "getOrder",
                    "summary": "An order",
                    "parameters": [{"name": "order_id", "in": "path", "required": True, "schema": ORDER_ID}, TIMEOUT],
                    "responses": {
                        "200": _answer("The order", Order),
                        **_problems(_400="a header is malformed", _404="there is no such order"),
                        **away,
                    },
                }
            },
            "/products": {
                "get": {
                    "operationId": "listProducts",
                    "summary": "The catalogue, in sku order, by pages",
                    "parameters": [
                        {"name": "after", "in": "query", "schema": {"type": "string", "maxLength": 32}},
                        {
                            "name": "limit",
                            "in": "query",
                            "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
                        },
                        TIMEOUT,
                    ],
                    "responses": {
                        "200": _answer("A page of products", Products),
                        **_problems(_400="a header is malformed", _422="a parameter is out of its bounds"),
                        **away,
                    },
                }
            },
        },
        "components": {"schemas": schemas(checkout, Confirmation, Order, Products, Problem)},
    }
