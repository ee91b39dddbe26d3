"""Request bodies: what several services take, and how a body is read."""

import json
import re
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from common.errors import Problem

SKU = r"^[A-Z0-9][A-Z0-9-]{0,31}$"
Sku = Annotated[str, Field(pattern=SKU)]
OrderId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Card = Annotated[str, Field(pattern=r"^[0-9]{12,19}$", repr=False)]
CustomerId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._@:-]{1,64}$")]

# What one charge may come to, in cents: the provider takes no more.
MOST_CENTS = 100_000_000


class Body(BaseModel):
    """A JSON object with no members but the declared ones, and no conversion of their types."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Item(Body):
    """Some pieces of one product."""

    sku: Sku
    quantity: int = Field(ge=1, le=100)


class Items(Body):
    """A list of items in which each product stands once."""

    items: list[Item] = Field(min_length=1, max_length=20)

    @field_validator("items")
    @classmethod
    def _each_product_once(cls, items: list[Item]) -> list[Item]:
        if len({item.sku for item in items}) < len(items):
            raise ValueError("a sku stands in it twice")
        return items

    def listed(self) -> str:
        """The items as a log line has them: `2 x SKU-00001, 1 x SKU-00017`."""
        return ", ".join(f"{item.quantity} x {item.sku}" for item in self.items)


B = TypeVar("B", bound=Body)


def read_body(model: type[B]) -> B:
    """The request's JSON body as `model`; Problem 413, 415, 400 or 422 when it is not one.

    common.serving.http_server has read it whole, or refused it.
    """
    if request.mimetype != "application/json":
        raise Problem(415, "the body must be JSON, with Content-Type: application/json")
    body = request.get_data(cache=False)
    try:
        read = model.model_validate_json(body)
    except ValidationError as error:
        # Never the input itself: it holds card numbers.
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        if faults[0]["type"] == "json_invalid":
            raise Problem(400, f"the body is not JSON: {faults[0]['msg']}") from None
        check_members(body)
        errors = [{"at": _pointer(fault["loc"]), "message": fault["msg"]} for fault in faults[:20]]
        raise Problem(422, f"{errors[0]['at'] or 'the body'}: {errors[0]['message']}", errors=errors) from None
    check_members(body)
    return read


def check_members(body: bytes) -> None:
    """Problem 400 when an object of the JSON text has a member twice: of two cards none is known to be meant."""

    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in members]
        if len(set(names)) < len(names):
            raise Problem(400, "a member stands twice in an object of the body")
        return dict(members)

    # Numbers as they stand: one of a thousand digits is not to be worked out.
    json.loads(body, object_pairs_hook=once, parse_int=str, parse_float=str)


def read_idempotency_key() -> str | None:
    """The request's Idempotency-Key, None without one; Problem 400 when there are several, or what is no key."""
    key = request.headers.get("Idempotency-Key")
    # Two headers arrive as one, with a comma between their values (RFC 9110, 5.3).
    if key is not None and not re.fullmatch(r"[!-+\--~]{1,128}", key):
        raise Problem(
            400, "Idempotency-Key must be one value of 1 to 128 visible ASCII characters, no comma among them"
        )
    return key


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join(f"/{part}" for part in location)
