"""Spans decoded only as far as a reader needs: what is a message within a span stays bytes.

On the wire an embedded message and a byte string look the same. So the message types here are OTLP's own, read from
its descriptors, with `bytes` wherever OTLP has a message: decoding makes no object for an attribute, and its bytes can
be looked up in a cache.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_file = descriptor_pb2.FileDescriptorProto(name="lean.proto", package="lean", syntax="proto3")
_span = _file.message_type.add(name="Span")
for _field in Span.DESCRIPTOR.fields:
    _type = FieldDescriptorProto.TYPE_INT32 if _field.enum_type else _field.type
    _span.field.add(
        name=_field.name,
        number=_field.number,
        label=FieldDescriptorProto.LABEL_REPEATED if _field.is_repeated else FieldDescriptorProto.LABEL_OPTIONAL,
        type=FieldDescriptorProto.TYPE_BYTES if _field.message_type else _type,
    )
_spans = _file.message_type.add(name="Spans")
_spans.field.add(
    name="spans",
    number=2,
    label=FieldDescriptorProto.LABEL_REPEATED,
    type=FieldDescriptorProto.TYPE_MESSAGE,
    type_name=".lean.Span",
)
_pool = descriptor_pool.DescriptorPool()
_pool.Add(_file)

# Reads the same bytes as ScopeSpans; its spans have OTLP's fields.
LeanSpans: Any = message_factory.GetMessageClass(_pool.FindMessageTypeByName("lean.Spans"))
