"""Every setting: its name, its default, one line of help. They come from the environment, then from `.env`."""

import difflib
import hashlib
import json
import logging
import os
import uuid
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from workshop.stack.errors import StackError
from workshop.stack.first_run.environment import way_out

# It tells each wrong line of .env several times, and not of which file; `unknown_variables` does it once.
logging.getLogger("dotenv").setLevel(logging.ERROR)

ROOT = Path(__file__).resolve().parents[2]
ENV_FILE = ROOT / ".env"
# Variables in `.env` that other programs read.
FOREIGN = ("COMPOSE_", "DOCKER_", "OTEL_", "UV_", "PIP_")


def port(default: int, of: str) -> int:
    """A port's setting."""
    return Field(default, ge=1, le=65535, description=f"port of {of}")


class Settings(BaseSettings):
    """What can be set; `.env.example` lists the same, and a test keeps it so."""

    model_config = SettingsConfigDict(env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore")

    runtime: Literal["auto", "docker", "local"] = Field(
        "auto",
        description="docker, local (processes on this machine), or auto: docker when its engine answers",
    )
    gateway_port: int = port(8080, "the shop and its public API")
    order_port: int = port(8081, "the order service")
    inventory_port: int = port(8082, "the inventory service")
    payment_port: int = port(8083, "the payment service")
    provider_port: int = port(8084, "the external payment provider")
    console_port: int = port(8085, "the workshop's console")
    postgres_port: int = port(5433, "PostgreSQL")
    valkey_port: int = port(6380, "Valkey, the catalogue's cache")
    otlp_grpc_port: int = port(4317, "OTLP over gRPC (Docker only)")
    otlp_http_port: int = port(4318, "OTLP over HTTP")
    jaeger_port: int = port(16686, "Jaeger's page and query API")
    load_ui_port: int = port(8089, "Locust's page, while `make load-ui` runs")
    share: str = Field(
        "",
        description="1, or an address of this machine: shop and console are open to the room there; 0 closes",
    )
    teach: Literal["", "0", "1"] = Field(
        "", description="1: the console's pages keep their answers until somebody asks; 0: they show them"
    )
    share_shop_port: int = port(8180, "the shop for the room, while it is open")
    share_console_port: int = port(8185, "the console for the room, while it is open")
    seed_products: int = Field(5000, ge=10, le=6138, description="products in the catalogue")
    seed_movements: int = Field(
        4_000_000, ge=0, le=100_000_000, description="rows in the stock ledger; more rows, a slower checkout"
    )
    provider_latency_ms: float = Field(43, ge=0, le=60_000, description="median latency of the provider, in ms")
    provider_latency_sigma: float = Field(
        0.1, ge=0, le=2, description="spread of that latency: sigma of its lognormal distribution"
    )
    # No less than a request can have an order in hand (order/settings.py): one that is alive must not be canceled.
    settle_after_seconds: float = Field(
        30, ge=22, le=3600, description="how long an order may be pending before the worker settles it, in s"
    )
    postgres_password: str = Field(
        "workshop",
        pattern=r"^[A-Za-z0-9._~-]+$",
        description="password of PostgreSQL's superuser; letters, digits, . _ ~ -",
    )
    orders_password: str = Field(
        "workshop-orders",
        pattern=r"^[A-Za-z0-9._~-]+$",
        description="password of the order service's role; letters, digits, . _ ~ -",
    )
    inventory_password: str = Field(
        "workshop-inventory",
        pattern=r"^[A-Za-z0-9._~-]+$",
        description="password of the inventory service's role; letters, digits, . _ ~ -",
    )
    postgres_bin: str = Field(
        "",
        description="folder with the PostgreSQL programs to use without Docker, instead of the bundled ones",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe level that the services log"
    )
    compose_project_name: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9_-]*)?$",
        description="name of the Docker project; empty: one for each checkout",
    )
    state_folder: str = Field(".run", min_length=1, description="where the local runtime keeps its data and logs")

    @field_validator("runtime", mode="before")
    @classmethod
    def lower_case(cls, value: object) -> object:
        """`RUNTIME=Docker` is docker."""
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def upper_case(cls, value: object) -> object:
        """`LOG_LEVEL=debug` is DEBUG."""
        return value.upper() if isinstance(value, str) else value

    @field_validator("share")
    @classmethod
    def one_address(cls, value: str) -> str:
        """Every address at once would be one that nobody has named."""
        if value in ("", "0", "1"):
            return value
        try:
            address = ip_address(value)
        except ValueError:
            raise ValueError("it should be 1, 0, or an address such as 192.168.1.20") from None
        if address.is_unspecified or address.is_multicast or "%" in value:
            raise ValueError("it should be one address of this machine, such as 192.168.1.20")
        return str(address)

    @model_validator(mode="after")
    def ports_differ(self) -> "Settings":
        """Two processes cannot have one port."""
        users: dict[int, list[str]] = {}
        for name, value in self:
            if name.endswith("_port"):
                users.setdefault(value, []).append(name.upper())
        for number, names in users.items():
            if len(names) > 1:
                them = " and ".join(names)
                raise ValueError(f"{them} are both {number}: give each a port of its own ({way_out(*names)})")
        return self

    @model_validator(mode="after")
    def every_product_has_stock(self) -> "Settings":
        """A product's first ten movements are a delivery and nine sales."""
        if self.seed_movements < 10 * self.seed_products:
            raise ValueError(
                f"SEED_MOVEMENTS is {self.seed_movements}: with fewer than ten for each of the {self.seed_products} "
                f"SEED_PRODUCTS some would be out of stock: {way_out('SEED_MOVEMENTS')}"
            )
        return self

    @cached_property
    def state(self) -> Path:
        """The folder of the local runtime's data, logs and notes, as an absolute path."""
        return (ROOT / self.state_folder).resolve()

    @property
    def history(self) -> Path:
        """The file of what the commands did to the shop when, in a folder that the console may read."""
        return self.state / "history" / "checkouts.jsonl"

    @property
    def teaching(self) -> Path:
        """The file that is there while the console keeps its answers, in the folder that it may read."""
        return self.history.with_name("teaching")

    @property
    def logs(self) -> Path:
        """The folder of the local runtime's logs."""
        return self.state / "logs"

    @property
    def project(self) -> str:
        """The Docker project's name: another one for another checkout, and for a state folder of its own."""
        whose = ROOT if self.state == (ROOT / ".run").resolve() else self.state
        digest = hashlib.sha256(str(whose).encode()).hexdigest()
        return self.compose_project_name or f"slow-checkout-{digest[:6]}"

    @property
    def gateway_url(self) -> str:
        """The shop."""
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def console_url(self) -> str:
        """The console."""
        return f"http://127.0.0.1:{self.console_port}"

    @property
    def jaeger_url(self) -> str:
        """Jaeger's page and query API."""
        return f"http://127.0.0.1:{self.jaeger_port}"

    def database_url(self, role: str, database: str) -> str:
        """PostgreSQL's URL for a role and a database."""
        password = quote(str(getattr(self, f"{role}_password")))
        return f"postgresql://{role}:{password}@127.0.0.1:{self.postgres_port}/{database}"

    def variables(self) -> dict[str, str]:
        """Every setting as an environment variable."""
        return {name.upper(): format_value(value) for name, value in self}


def format_value(value: object) -> str:
    """A value as `.env` has it: 43.0 is written 43."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def load(env_file: Path = ENV_FILE) -> Settings:
    """The settings; StackError naming each variable whose value is not right."""
    try:
        return Settings(_env_file=env_file)  # type: ignore[call-arg]
    except UnicodeDecodeError as error:
        raise StackError(f"{env_file} is not UTF-8: {error.reason} at byte {error.start}. Save it as UTF-8.") from None
    except ValidationError as error:
        raise StackError("\n".join(explain(fault) for fault in error.errors(include_url=False))) from None


def explain(fault: object) -> str:
    """One line about one wrong value."""
    assert isinstance(fault, dict)
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    name = str(fault["loc"][0])
    meaning = Settings.model_fields[name].description
    message = fault["msg"].removeprefix("Input ").replace("String should match pattern", "should match")
    return f"{name.upper()} is {fault['input']!r}: {message} ({meaning}): {way_out(name.upper())}"


def unknown_variables(env_file: Path = ENV_FILE) -> list[str]:
    """A line for each name in `.env` that is no setting, with the nearest one that is."""
    known = [name.upper() for name in Settings.model_fields]
    if not env_file.exists():
        return []
    with env_file.open(encoding="utf-8") as file:
        wrong = [binding.original.line for binding in parse_stream(file) if binding.error]
    lines = [f".env: line {number} is not NAME=value" for number in wrong]
    for name in dotenv_values(env_file):
        if name.upper() not in known and not name.startswith(FOREIGN):
            near = difflib.get_close_matches(name.upper(), known, 1)
            lines.append(f".env: {name} is not a setting" + (f", did you mean {near[0]}?" if near else ""))
    return lines


class Running:
    """What is up: the runtime and the settings it was started with, kept in the state folder."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.state / "stack.json"

    def write(self, runtime: str, settings: Settings) -> None:
        """Remember that this runtime is up."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)  # a password is in it
        note = {"runtime": runtime, "id": self.id() or uuid.uuid4().hex[:12], "settings": settings.variables()}
        self.path.write_text(json.dumps(note, indent=1) + "\n")

    def read(self) -> tuple[str, dict[str, str]] | None:
        """The runtime and its settings' variables; None when nothing was started, or all was stopped."""
        try:
            note = json.loads(self.path.read_text())
            return note["runtime"], note["settings"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def id(self) -> str:
        """What the system that was started says it is; "" when nothing was, or by a version that gave it no id."""
        try:
            return str(json.loads(self.path.read_text()).get("id", ""))
        except (OSError, ValueError, AttributeError):
            return ""

    def forget(self) -> None:
        """All was stopped."""
        self.path.unlink(missing_ok=True)


def current(*, lenient: bool = False) -> Settings:
    """The settings of what is up, else those for the next start: what a command that talks to the stack uses.

    A slip in .env must not keep anyone from using what is up; with `lenient`, from stopping what is not, either.
    """
    try:
        settings = load()
    except StackError:
        settings = Settings.model_construct(state_folder=os.environ.get("STATE_FOLDER") or ".run")
        if not lenient and Running(settings).read() is None:
            raise
    running = Running(settings).read()
    if running is None:
        return settings
    values = {name.lower(): value for name, value in running[1].items()}
    try:
        return Settings(_env_file=None, **values)  # type: ignore[call-arg, arg-type]
    except ValidationError:  # written by another version
        return settings
