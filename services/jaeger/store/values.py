"""Attribute values as text, the way Go and so Jaeger writes them: what searches compare and the old form shows."""

import base64
import json
import math
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue


def as_string(value: AnyValue) -> str:
    """The value in one string; lists and maps as compact JSON, bytes in base64."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "double_value":
        return float_text(value.double_value)
    plain = as_plain(value)
    if kind in ("array_value", "kvlist_value"):
        return json.dumps(plain, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return "" if plain is None else str(plain)


def as_plain(value: AnyValue) -> Any:
    """The value as what json.dumps takes."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [as_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: as_plain(item.value) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "double_value":
        number = value.double_value
        if not math.isfinite(number):
            return float_text(number)
        return int(number) if number.is_integer() and abs(number) < 1e21 else number
    return getattr(value, kind) if kind else None


def float_text(number: float) -> str:
    """A double as Go's JSON writes it: 1, 12.5, 1e+21, 1e-7."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number.is_integer() and abs(number) < 1e21:
        return str(int(number))
    return repr(number).replace("e-0", "e-")
