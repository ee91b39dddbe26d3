"""What can be set at the inventory service."""

from common.settings import PoolSettings, TrustedSettings


class Settings(PoolSettings, TrustedSettings):
    """The inventory's settings."""
