"""The stand-in's settings: names, defaults and one line of help each, read from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from common.serving import hosts


class SettingsError(ValueError):
    """A setting cannot be used; the message names it, its value and what it should be."""


@dataclass(frozen=True)
class Settings:
    """What `python -m services.jaeger` reads from the environment."""

    bind: tuple[str, int] = ("127.0.0.1", 16686)  # BIND: where the query API listens, host:port
    otlp_bind: tuple[str, int] = ("127.0.0.1", 4318)  # OTLP_BIND: where traces come in, host:port
    console_url: str = "http://127.0.0.1:8085"  # CONSOLE_URL: where `/` and `/trace/{id}` lead
    max_traces: int = 50_000  # JAEGER_MAX_TRACES: more than these, and the oldest go
    max_bytes: int = 100 * 2**20  # JAEGER_MAX_MB: the traces' memory, in MiB
    max_body: int = 8 * 2**20  # JAEGER_MAX_BODY_MB: the largest request, unpacked, in MiB
    # TAIL_SAMPLING_PERCENTAGE: of the traces without an error and under 250 ms; none: all are kept
    tail_sampling: float | None = None
    keep: Path | None = None  # JAEGER_KEEP: a file for the traces while it does not run; none: they are lost then
    # ALLOWED_HOSTS: more Host headers, by commas; * for any
    allowed_hosts: frozenset[str] = hosts.allowed("jaeger", environ={})

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; SettingsError when one of them cannot be used."""
        bind = _address(env, "BIND", cls.bind)
        otlp_bind = _address(env, "OTLP_BIND", cls.otlp_bind)
        return cls(
            bind=bind,
            otlp_bind=otlp_bind,
            console_url=env.get("CONSOLE_URL", cls.console_url).rstrip("/"),
            max_traces=_positive(env, "JAEGER_MAX_TRACES", cls.max_traces),
            max_bytes=_positive(env, "JAEGER_MAX_MB", cls.max_bytes // 2**20) * 2**20,
            max_body=_positive(env, "JAEGER_MAX_BODY_MB", cls.max_body // 2**20) * 2**20,
            tail_sampling=_percentage(env, "TAIL_SAMPLING_PERCENTAGE"),
            keep=Path(env["JAEGER_KEEP"]) if env.get("JAEGER_KEEP") else None,
            allowed_hosts=hosts.allowed("jaeger", bind[0], otlp_bind[0], environ=env),
        )


def _address(env: Mapping[str, str], name: str, default: tuple[str, int]) -> tuple[str, int]:
    value = env.get(name)
    if not value:
        return default
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"{name} is {value!r}: it should be host:port, such as {default[0]}:{default[1]}")
    return host, int(port)


def _percentage(env: Mapping[str, str], name: str) -> float | None:
    value = env.get(name)
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise SettingsError(f"{name} is {value!r}: it should be a number from 0 to 100, such as 10")
    return number


def _positive(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name)
    if not value:
        return default
    if not value.isdecimal() or not 0 < int(value) < 2**31:
        raise SettingsError(f"{name} is {value!r}: it should be a whole number above 0, such as {default}")
    return int(value)
