"""Where packages come from by the person's own files for pip and uv: index, certificates, proxy and cache only.

What else such a file says (`require-hashes`, `user`, `no-binary`) would change what is installed, or where, and is left
out.
Python's own library only.
"""

import configparser
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

# The options of pip that are handed on, as its variables are called; those with several values are split at blanks.
PIP_KEYS = (
    *("index-url", "extra-index-url", "find-links", "trusted-host", "cert", "client-cert", "proxy", "cache-dir"),
    *("timeout", "default-timeout", "retries", "keyring-provider"),
)
UV_KEYS = (
    *("index", "index-url", "extra-index-url", "find-links", "allow-insecure-host", "native-tls", "system-certs"),
    *("keyring-provider", "cache-dir"),
)
SYSTEM = Path("/etc")


def variables(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables with which pip and uv read no file of the person's but know what those say of sources.

    `folder` is where a uv.toml is written for that.
    """
    found = {"PIP_CONFIG_FILE": os.devnull, "UV_CONFIG_FILE": str(folder / "uv.toml")}
    for key, value in _pip(environ).items():
        name = f"PIP_{key.upper().replace('-', '_')}"
        if name not in environ:
            found[name] = value
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} = {_toml(value)}\n" for key, value in _uv(environ).items()]
    (folder / "uv.toml").touch(mode=0o600)  # an index may have a password
    (folder / "uv.toml").write_text("".join(lines), encoding="utf-8")
    return found


def _pip(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's options that count, the later file winning as pip has it."""
    found: dict[str, str] = {}
    for path in _pip_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(path.read_text(encoding="utf-8", errors="replace"))
        except (OSError, configparser.Error):
            continue  # its own pip does not read it either
        for section in ("global", "install"):
            options = parser.items(section) if parser.has_section(section) else []
            found.update({key: " ".join(value.split()) for key, value in options if key in PIP_KEYS})
    return found


def _pip_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """In the order in which pip reads them."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return
    for each in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep):
        yield Path(each) / "pip" / "pip.conf"
    yield SYSTEM / "pip.conf"
    if chosen:
        yield Path(chosen)
    elif own := home():
        yield own / ".pip" / "pip.conf"
        yield own / "Library" / "Application Support" / "pip" / "pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or own / ".config") / "pip" / "pip.conf"


def _uv(environ: Mapping[str, str]) -> dict[str, object]:
    """uv's options that count, the person's before the machine's."""
    files = [SYSTEM / "uv" / "uv.toml"]
    if chosen := environ.get("UV_CONFIG_FILE"):
        files = [Path(chosen)]
    elif own := home():
        files.append(Path(environ.get("XDG_CONFIG_HOME") or own / ".config") / "uv" / "uv.toml")
    found: dict[str, object] = {}
    for path in files:
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        found.update({key: value for key, value in told.items() if key in UV_KEYS})
    return found


def home() -> Path | None:
    """The person's folder; None for a user without one."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def _toml(value: object) -> str:
    """A value of TOML that fits on a line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)} = {_toml(each)}' for key, each in value.items())}}}"
    # Strings, numbers and truth are written as in JSON.
    return json.dumps(value, ensure_ascii=False)
