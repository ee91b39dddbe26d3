"""What many spans share, kept once: their operations, and the resources and scopes that they came from."""

from typing import Generic, NamedTuple, TypeVar

from opentelemetry.proto.resource.v1.resource_pb2 import Resource

OVERHEAD = 400  # bytes that Python needs for an operation or source besides its own, measured


class Operation(NamedTuple):
    """A span name of a service."""

    service: str
    name: str
    kind: int


class Source(NamedTuple):
    """Where a span came from: the resource and the instrumentation scope, serialized."""

    service: str
    resource: bytes
    resource_schema: str
    scope: bytes
    scope_schema: str


K = TypeVar("K", Operation, Source)


class Table(Generic[K]):
    """Values kept once, under a number, for as long as a stored span uses them."""

    def __init__(self) -> None:
        self.ids: dict[K, int] = {}
        self.values: dict[int, K] = {}
        self.uses: dict[int, int] = {}
        self.size = 0  # bytes, roughly
        self._next = 0

    def take(self, value: K) -> int:
        """The value's number; one use more."""
        number = self.ids.get(value)
        if number is None:
            number = self._next = self._next + 1
            self.ids[value] = number
            self.values[number] = value
            self.uses[number] = 0
            self.size += _size(value)
        self.uses[number] += 1
        return number

    def give_back(self, number: int) -> None:
        """One use less; the last one takes the value out."""
        self.uses[number] -= 1
        if not self.uses[number]:
            value = self.values.pop(number)
            del self.ids[value], self.uses[number]
            self.size -= _size(value)


def _size(value: Operation | Source) -> int:
    return OVERHEAD + sum(len(part) for part in value if not isinstance(part, int))


def named(resource: Resource) -> str:
    """The resource's service name; one that is missing is put in, under the names that Jaeger gives those."""
    for attribute in resource.attributes:
        if attribute.key == "service.name":
            if attribute.value.WhichOneof("value") != "string_value":
                attribute.value.string_value = "service-name-wrong-type"
            elif not attribute.value.string_value:
                attribute.value.string_value = "empty-service-name"
            return str(attribute.value.string_value)
    resource.attributes.add(key="service.name").value.string_value = "missing-service-name"
    return "missing-service-name"
