"""Counts what a body holds before an object is made for any of it: a few bytes of it can become a hundred of memory."""

from google.protobuf.descriptor import Descriptor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

VARINT, FIXED64, LENGTH, FIXED32 = (
    0,
    1,
    2,
    5,
)  # protobuf's wire types; https://protobuf.dev/programming-guides/encoding/

FIELDS = 8  # in a message, on average: more than OTLP's have
Fields = dict[int, str]  # by number: the type of the message in it


def _tree(message: Descriptor, found: dict[str, Fields]) -> dict[str, Fields]:
    """The fields that hold messages, of this type of message and of all types in it."""
    if message.full_name not in found:
        inner = {field.number: field.message_type for field in message.fields if field.message_type}
        found[message.full_name] = {number: each.full_name for number, each in inner.items()}
        for each in inner.values():
            _tree(each, found)
    return found


ROOT = ExportTraceServiceRequest.DESCRIPTOR.full_name
TREE = _tree(ExportTraceServiceRequest.DESCRIPTOR, {})


def messages(body: bytes, most: int) -> int:
    """How many messages a serialized request holds; it stops to count beyond `most`. ValueError when it is broken.

    Many fields of other kinds, that OTLP does not know, end the count as well: each takes its time.
    """
    if len(body) // 2 <= most:
        return 0  # No message is shorter than tag and length.
    count = seen = 0
    ends: list[tuple[int, Fields]] = [(len(body), TREE[ROOT])]
    at = 0
    while ends:
        end, fields = ends[-1]
        if at >= end:
            if at > end:
                raise ValueError("a field is longer than its message")
            ends.pop()
            continue
        seen += 1
        if seen > most * FIELDS:
            return most + 1
        tag, at = _varint(body, at)
        kind = tag & 7
        if kind == LENGTH:
            size, at = _varint(body, at)
            inner = fields.get(tag >> 3)
            if inner is None:
                at += size
                continue
            count += 1
            if count > most:
                return count
            if at + size > end:
                raise ValueError("a message is longer than what it is in")
            ends.append((at + size, TREE[inner]))
        elif kind == VARINT:
            _, at = _varint(body, at)
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} is not OTLP's")
    return count


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """A number, and where what follows it begins."""
    byte = body[at] if at < len(body) else 0x80
    if byte < 0x80:
        return byte, at + 1
    value = shift = 0
    for byte in body[at : at + 10]:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError("a number does not end")
