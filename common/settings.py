"""The settings every service has. They come from environment variables; an error names the variable.

A secret may instead be a file of its name in the folder SECRETS_FOLDER, as containers are given theirs: an environment
is easily read by others.
"""

import os
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings


class ServiceSettings(BaseSettings):
    """Base of a service's settings."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe level that is logged"
    )


class TrustedSettings(ServiceSettings):
    """Settings of a service that lets only its own kind change anything, or that calls one."""

    service_secret: SecretStr = Field(
        min_length=32, description="what the services that charge and reserve know of each other, and nobody else does"
    )


class PoolSettings(BaseSettings):
    """Settings of a service that holds a pool of connections to its database."""

    database_url: str = Field(description="PostgreSQL URL of the service's database")
    database_pool_size: int = Field(8, ge=1, le=40, description="connections to the database at most")
    database_pool_seconds: float = Field(
        3.0, gt=0, le=30, description="how long a request waits for one of them to be free, in s"
    )


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """The settings from the environment; SystemExit with one line a fault when they are not right."""
    folder = os.environ.get("SECRETS_FOLDER", "")
    try:
        return settings(_secrets_dir=folder if folder and Path(folder).is_dir() else None)
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_url=False):
            name = "_".join(str(part) for part in fault["loc"])
            secret = name in settings.model_fields and settings.model_fields[name].annotation is SecretStr
            given = "is not set" if fault["type"] == "missing" else "is wrong" if secret else f"is {fault['input']!r}"
            where = f", and no file {name} is in SECRETS_FOLDER ({folder or 'not set'})" if secret else ""
            lines.append(f"{name.upper()} {given}{where}: {fault['msg']}")
        raise SystemExit("\n".join(lines)) from None
