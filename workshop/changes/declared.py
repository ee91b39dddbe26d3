"""What can be set at each process: its own settings as it declares them, and what its launcher reads."""

import difflib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

import gateway.settings
import inventory.settings
import order.settings
import payment.settings
import services.provider.settings
from workshop.stack.errors import StackError


class Launched(BaseModel):
    """What OpenTelemetry's launcher reads, at every traced process.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """

    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = Field("parentbased_always_on", description="which traces are kept")
    otel_traces_sampler_arg: float = Field(1.0, ge=0, le=1, description="share of traces that a ratio keeps")
    otel_propagators: str = Field(
        "tracecontext,baggage",
        pattern=r"^(none|(tracecontext|baggage)(,(tracecontext|baggage))?)$",
        description="headers in which the context is handed on",
    )
    otel_sdk_disabled: Literal["true", "false"] = Field("false", description="true: no spans at all")
    otel_bsp_schedule_delay: int = Field(400, ge=1, le=60_000, description="pause between two sendings, in ms")
    otel_bsp_max_queue_size: int = Field(2048, ge=1, le=100_000, description="spans that wait to be sent at most")
    otel_bsp_max_export_batch_size: int = Field(512, ge=1, le=100_000, description="spans in one sending at most")
    otel_exporter_otlp_timeout: int = Field(2, ge=1, le=60, description="how long a sending may take, in s")
    otel_python_disabled_instrumentations: str = Field(
        "", pattern=r"^[a-z0-9_,-]*$", description="instrumentations that the launcher leaves out"
    )


class Served(Launched):
    """What common.gunicorn reads, too, at every process that it serves."""

    threads: int = Field(64, ge=1, le=256, description="requests that are worked on at once")


class Collected(BaseModel):
    """What the collector has: of each trace all spans are kept or none."""

    tail_sampling_percentage: float = Field(
        100, ge=0, le=100, description="of the traces that have no error and took less than a quarter of a second, in %"
    )


DECLARED: dict[str, tuple[type[BaseModel], ...]] = {
    "gateway": (gateway.settings.Settings, Served),
    "order": (order.settings.Settings, Served),
    "order-worker": (order.settings.WorkerSettings, Launched),
    "inventory": (inventory.settings.Settings, Served),
    "payment": (payment.settings.Settings, Served),
    "provider": (services.provider.settings.Settings,),
    "collector": (Collected,),
}
# Where a process finds its files and its neighbours is the runtime's to say; a wire changes the latter.
NOT_ORDINARY = ("_url", "_db", "_file")


def settable(service: str) -> dict[str, FieldInfo]:
    """The settings of a process by variable; StackError when there is no such process, or nothing to set at it."""
    if service not in DECLARED:
        known = ", ".join(DECLARED)
        near = difflib.get_close_matches(service, DECLARED, 1)
        raise StackError(
            f"{service!r} is no process that can be changed{f', did you mean {near[0]}?' if near else ''} ({known})"
        )
    return {
        name.upper(): field
        for model in DECLARED[service]
        for name, field in model.model_fields.items()
        if field.annotation is not SecretStr and not field.is_required() and not name.endswith(NOT_ORDINARY)
    }


def check(service: str, name: str, value: str) -> None:
    """StackError, with what would be right, when a process has no such setting, or the setting no such value."""
    known = settable(service)
    if name not in known:
        near = difflib.get_close_matches(name.upper(), known, 1)
        told = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known))}"
        raise StackError(f"{service} has no setting {name}, and nothing was changed: {told}")
    field = known[name]
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
    try:
        if not value.isprintable():
            raise StackError(f"{name} holds characters that cannot be printed, and nothing was changed")
        adapter.validate_python(value)
    except ValidationError as error:
        told = error.errors(include_url=False)[0]["msg"].removeprefix("Input ")
        raise StackError(f"{name}={value}: it {told} ({field.description}); nothing was changed") from None
