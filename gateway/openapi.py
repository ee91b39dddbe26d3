"""The OpenAPI document of the public API. The request's schema is the model that the gateway checks it with."""

from typing import Any

from pydantic import BaseModel

TRACE_ID = {"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$", "description": "the request's trace"}
CENTS = {"type": "integer", "minimum": 1}
CURRENCY = {"type": "string", "pattern": "^[A-Z]{3}$"}
ORDER_ID = {"type": "string", "format": "uuid"}
SKU = {"type": "string", "pattern": "^[A-Z0-9][A-Z0-9-]{0,31}$"}
TIMEOUT = {
    "name": "X-Timeout-Ms",
    "in": "header",
    "description": "how long the client waits, in ms; what cannot be answered in time is answered with 504",
    "schema": {"type": "integer", "minimum": 0, "maximum": 9_999_999},
}

SCHEMAS: dict[str, Any] = {
    "Confirmation": {
        "type": "object",
        "required": ["order_id", "status", "total_cents", "currency", "trace_id"],
        "properties": {
            "order_id": ORDER_ID,
            "status": {"const": "confirmed"},
            "total_cents": CENTS,
            "currency": CURRENCY,
            "trace_id": TRACE_ID,
        },
    },
    "Order": {
        "type": "object",
        "required": ["order_id", "customer_id", "items", "status", "created_at"],
        "properties": {
            "order_id": ORDER_ID,
            "customer_id": {"type": "string"},
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["sku", "quantity"],
                    "properties": {"sku": SKU, "quantity": {"type": "integer"}},
                },
            },
            "status": {"enum": ["pending", "confirmed", "failed"]},
            "reason": {"type": ["string", "null"], "description": "why it failed"},
            "total_cents": {"type": ["integer", "null"]},
            "currency": {"type": ["string", "null"]},
            "created_at": {"type": "string", "format": "date-time"},
            "announced_at": {"type": ["string", "null"], "format": "date-time"},
        },
    },
    "Products": {
        "type": "object",
        "required": ["products", "next"],
        "properties": {
            "products": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["sku", "name", "price_cents", "currency"],
                    "properties": {
                        "sku": SKU,
                        "name": {"type": "string"},
                        "price_cents": CENTS,
                        "currency": CURRENCY,
                    },
                },
            },
            "next": {"type": ["string", "null"], "description": "`after` of the next page; null on the last"},
        },
    },
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "reason": {"type": "string", "description": "the same for the same fault, for programs"},
            "order_id": ORDER_ID,
            "order_status": {
                "enum": ["pending", "failed", "unknown"],
                "description": "pending: not decided yet, GET /orders/{order_id} tells later; failed: nothing was "
                "charged or taken; unknown: there may be an order. Without it there is none",
            },
            "idempotency_key": {
                "type": "string",
                "description": "while the order is not decided or unknown: a repetition with this key buys once",
            },
            "skus": {"type": "array", "items": {"type": "string"}, "description": "the products that do not exist"},
            "errors": {
                "type": "array",
                "description": "what is wrong in the body, each with its place as a JSON pointer",
                "items": {
                    "type": "object",
                    "required": ["at", "message"],
                    "properties": {"at": {"type": "string"}, "message": {"type": "string"}},
                },
            },
            "trace_id": TRACE_ID,
        },
    },
}


def _answer(description: str, schema: str) -> dict[str, Any]:
    kind = "application/problem+json" if schema == "Problem" else "application/json"
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _problems(**described: str) -> dict[str, Any]:
    """Problem answers by status: `_problems(_404="…")`."""
    return {status.lstrip("_"): _answer(text, "Problem") for status, text in described.items()}


def document(checkout: type[BaseModel]) -> dict[str, Any]:
    """The document; `checkout` is the model of POST /checkout's body."""
    schema = checkout.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
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
                            "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
                        },
                        TIMEOUT,
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Checkout"}}},
                    },
                    "responses": {
                        "201": {
                            **_answer("The order is confirmed", "Confirmation"),
                            "headers": {
                                "traceresponse": {
                                    "description": "version, trace id, span id and flags of the request's trace",
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
                        "200": _answer("The order", "Order"),
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
                        "200": _answer("A page of products", "Products"),
                        **_problems(_400="a header is malformed", _422="a parameter is out of its bounds"),
                        **away,
                    },
                }
            },
        },
        "components": {"schemas": {**SCHEMAS, **definitions, "Checkout": schema}},
    }
