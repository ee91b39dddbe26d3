"""The console's settings: names, defaults and one line of help each, read from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from common.serving import hosts


class SettingsError(ValueError):
    """A setting cannot be used; the message names it, its value and what it should be."""


@dataclass(frozen=True)
class Settings:
    """What `python -m workshop.console` reads from the environment."""

    bind: str = "127.0.0.1:8085"  # BIND: where the console listens, host:port
    jaeger_url: str = "http://127.0.0.1:16686"  # JAEGER_URL: the Jaeger that is read
    gateway_url: str = "http://127.0.0.1:8080"  # GATEWAY_URL: the shop, as a browser reaches it
    database_url: str = ""  # DATABASE_URL: PostgreSQL, to plan slow statements; empty: the diagnosis does without
    logs_folder: str = ""  # LOGS_FOLDER: the services' log files, to show a span's lines; empty: none are shown
    history: str = ""  # HISTORY: the file of what was done when, for marks on the axis of time; empty: there are none
    teaching: str = ""  # TEACHING: the file that is there while pages keep their answers until somebody asks
    # TEACHER_FOLDER: where the teacher's page keeps its token and what it runs; empty: there is no such page
    teacher_folder: str = ""
    # PEER_NAMES: names of systems outside by address, such as 127.0.0.1:8084=provider, by comma
    peers: Mapping[str, str] = field(default_factory=dict)
    # ALLOWED_HOSTS: more Host headers, by comma; * = all
    allowed_hosts: frozenset[str] = hosts.allowed("console", environ={})

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; SettingsError when one of them cannot be used."""
        bind = env.get("BIND") or cls.bind
        host, _, port = bind.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise SettingsError(f"BIND is {bind!r}: it should be host:port, such as {cls.bind}")
        return cls(
            bind=bind,
            jaeger_url=_url(env, "JAEGER_URL", cls.jaeger_url),
            gateway_url=_url(env, "GATEWAY_URL", cls.gateway_url),
            database_url=env.get("DATABASE_URL", ""),
            logs_folder=env.get("LOGS_FOLDER", ""),
            history=env.get("HISTORY", ""),
            teaching=env.get("TEACHING", ""),
            teacher_folder=env.get("TEACHER_FOLDER", ""),
            peers=_names(env, "PEER_NAMES"),
            allowed_hosts=hosts.allowed("console", host, environ=env),
        )


def _names(env: Mapping[str, str], setting: str) -> dict[str, str]:
    pairs = [each.strip().partition("=") for each in env.get(setting, "").split(",") if each.strip()]
    if wrong := ["".join(pair) for pair in pairs if not all(pair)]:
        raise SettingsError(f"{setting} has {wrong[0]!r}: it should be address=name, such as 127.0.0.1:8084=provider")
    return {address: name for address, _, name in pairs}


def _url(env: Mapping[str, str], name: str, default: str) -> str:
    value = (env.get(name) or default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(f"{name} is {value!r}: it should be a URL, such as {default}")
    return value
