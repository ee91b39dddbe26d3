"""What can be set at the gateway."""

from pydantic import Field

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """The gateway's settings."""

    order_url: str = Field(description="base URL of the order service")
    inventory_url: str = Field(description="base URL of the inventory service")
    cache_url: str = Field("", pattern=r"^(rediss?://.+)?$", description="URL of Valkey or Redis; empty: no cache")
    cache_connect_ms: int = Field(50, ge=1, le=1000, description="how long a connection to the cache may take, in ms")
    cache_answer_ms: int = Field(50, ge=1, le=1000, description="how long an answer of the cache may take, in ms")
    trace_url: str = Field(
        "http://127.0.0.1:16686/trace/{trace_id}", description="a trace's page, as a browser reaches it"
    )
    console_url: str = Field("http://127.0.0.1:8085", description="the workshop's page, as a browser reaches it")
