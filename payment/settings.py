"""What can be set at the payment service."""

from pydantic import Field

from common.settings import TrustedSettings


class Settings(TrustedSettings):
    """The payment service's settings."""

    provider_url: str = Field(description="base URL of the external payment API")
    # Three attempts of so long and the pauses between them fit into what the order service waits.
    provider_attempts: int = Field(3, ge=1, le=20, description="how often a provider that answers 5xx is asked")
    provider_timeout_seconds: float = Field(
        1.5, gt=0, le=30, description="how long each attempt waits for the provider's answer, in s"
    )
