"""The settings every service has. They come from environment variables; an error names the variable."""

from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings


class ServiceSettings(BaseSettings):
    """Base of a service's settings."""

    log_level: str = Field("INFO", description="least severe level that is logged")


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """The settings from the environment; SystemExit with one line a fault when they are not right."""
    try:
        return settings()
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_url=False):
            variable = "_".join(str(part) for part in fault["loc"]).upper()
            given = "is not set" if fault["type"] == "missing" else f"is {fault['input']!r}"
            lines.append(f"{variable} {given}: {fault['msg']}")
        raise SystemExit("\n".join(lines)) from None
