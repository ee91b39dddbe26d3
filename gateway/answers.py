"""What the public API answers: models, so that its document is made of them, as it is of the request's."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, SkipJsonSchema, models_json_schema

from common.schemas import Sku

Cents = Annotated[int, Field(ge=1)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
TraceId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None
# A member that is left out where it has nothing to say.
Absent = SkipJsonSchema[None]
REFERENCE = "#/components/schemas/{model}"


class ReceiptLine(BaseModel):
    """What was bought of one product."""

    sku: Sku
    quantity: int
    name: str | Absent = Field(None, description="where it was found out in time")
    price_cents: Cents | Absent = Field(None, description="of one piece; where all of them were found out in time")


class Confirmation(BaseModel):
    """The answer to a checkout."""

    order_id: UUID
    status: Literal["confirmed"]
    total_cents: Cents
    currency: Currency
    items: list[ReceiptLine] = Field(description="the receipt, in the order of the request")
    trace_id: TraceId = Field(description="the request's trace")


class OrderedItem(BaseModel):
    """Some pieces of one product."""

    sku: Sku
    quantity: int


class Order(BaseModel):
    """An order."""

    order_id: UUID
    customer_id: str
    items: list[OrderedItem]
    status: Literal["pending", "confirmed", "failed"]
    reason: str | None = Field(None, description="why it failed")
    total_cents: int | None = None
    currency: str | None = None
    created_at: datetime
    announced_at: datetime | None = None


class Product(BaseModel):
    """A product of the catalogue."""

    sku: Sku
    name: str
    price_cents: Cents
    currency: Currency


class Products(BaseModel):
    """A page of the catalogue."""

    products: list[Product]
    next: str | None = Field(description="`after` of the next page; null on the last")


class Fault(BaseModel):
    """One thing that is wrong in a body."""

    at: str
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it, with members of our own."""

    type: str
    title: str
    status: int
    detail: str
    reason: str | Absent = Field(None, description="the same for the same fault, for programs")
    order_id: UUID | Absent = None
    order_status: Literal["pending", "failed", "unknown"] | Absent = Field(
        None,
        description="pending: not decided yet, GET /orders/{order_id} tells later; failed: nothing was "
        "charged or taken; unknown: there may be an order. Without it there is none",
    )
    idempotency_key: str | Absent = Field(
        None, description="while the order is not decided or unknown: a repetition with this key buys once"
    )
    skus: list[str] | Absent = Field(None, description="the products that do not exist")
    errors: list[Fault] | Absent = Field(
        None, description="what is wrong in the body, each with its place as a JSON pointer"
    )
    trace_id: TraceId = Field(None, description="the request's trace")


class Plain(GenerateJsonSchema):
    """Schemas as a person writes them: a name is not repeated as a title, and what may be left out has no default."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        """The schema without its default."""
        return self.generate_inner(schema["schema"])


def schemas(*models: type[BaseModel]) -> dict[str, Any]:
    """The JSON schemas of these models and of all that they are made of, by name."""
    _, found = models_json_schema(
        [(model, "validation") for model in models], ref_template=REFERENCE, schema_generator=Plain
    )
    definitions: dict[str, Any] = found["$defs"]
    for schema in definitions.values():
        schema.pop("title", None)
    return definitions
