"""What can be set at the provider."""

from pydantic import Field

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """The provider's settings."""

    provider_db: str = Field(":memory:", description="SQLite file of the answers given")
    provider_latency_ms: float = Field(43.0, ge=0, le=60_000, description="median latency")
    provider_capacity: int = Field(
        64, ge=1, le=64, description="requests that are worked on at once; the others wait in line"
    )
    provider_latency_sigma: float = Field(0.1, ge=0, le=2, description="spread of the latency's logarithm")
