"""What can be set at the order service and its worker, and how long an order can be in the hands of a request."""

from pathlib import Path

from pydantic import Field

from common.database import bounded
from common.settings import PoolSettings, TrustedSettings

# A request takes so many seconds at most; fewer when its caller waits for fewer.
REQUEST_SECONDS = 19.0
# After them it still tries to write down how its order ended, and then that it is left: each takes a connection and a
# statement, which are cut off.
LAST_WORD_SECONDS = 2 * (2 * bounded.LEAST_SECONDS + bounded.CANCEL_SECONDS)
# Whoever settles an order sooner cancels a checkout that is alive.
IN_HAND_SECONDS = REQUEST_SECONDS + LAST_WORD_SECONDS


class Neighbours(TrustedSettings):
    """Where the services are that an order needs."""

    inventory_url: str = Field(description="base URL of the inventory service")
    inventory_timeout_seconds: float = Field(12.0, gt=0, le=60, description="how long a call to it may take, in s")
    payment_url: str = Field(description="base URL of the payment service")
    payment_timeout_seconds: float = Field(12.0, gt=0, le=60, description="how long a call to it may take, in s")


class Settings(PoolSettings, Neighbours):
    """The order service's settings."""


class WorkerSettings(Neighbours):
    """The worker's settings."""

    database_url: str = Field(description="PostgreSQL URL of the orders' database")
    settle_after_seconds: float = Field(
        30.0, ge=IN_HAND_SECONDS, le=3600, description="how long an order may be pending before the worker settles it"
    )
    liveness_file: Path | None = Field(None, description="touched every two seconds while the worker lives")
