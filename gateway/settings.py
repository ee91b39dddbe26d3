"""What can be set at the gateway."""

from pydantic import Field

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """The gateway's settings."""

    order_url: str = Field(description="base URL of the order service")
    inventory_url: str = Field(description="base URL of the inventory service")
    trace_url: str = Field(
        "http://127.0.0.1:16686/trace/{trace_id}", description="a trace's page, as a browser reaches it"
    )
    console_url: str = Field("http://127.0.0.1:8085", description="the workshop's page, as a browser reaches it")
