"""What this machine has. Python's own library only: `make doctor` works before anything is installed."""

import errno
import os
import shutil
import socket
import subprocess
from pathlib import Path

# The Docker engine answers within this many seconds, or counts as not there.
ENGINE_SECONDS = 5.0
NO_DOCKER = "there is no docker on PATH"


def docker_missing() -> str | None:
    """What Docker lacks here, as one sentence; None when it can be used."""
    if shutil.which("docker") is None:
        return NO_DOCKER
    engine = ask_docker("info", "--format", "{{.ServerVersion}}")
    if engine is not None and "permission denied" in engine.stderr.lower():
        return "the docker client is there, but this user may not use its engine (is it in the group docker?)"
    if engine is None or engine.returncode or not engine.stdout.strip():
        return "the docker client is there, but no engine answers it (start Docker; `docker info` tells more)"
    compose = ask_docker("compose", "version", "--short")
    if compose is None or compose.returncode:
        return "Docker is there without Compose (its plugin: https://docs.docker.com/compose/install/)"
    return None


def ask_docker(*arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Run `docker …` quietly; None when it does not answer in time."""
    try:
        return subprocess.run(
            ["docker", *arguments],
            capture_output=True,
            text=True,
            timeout=ENGINE_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None


def port_problem(number: int) -> int | None:
    """The errno for which nobody could listen on this port of 127.0.0.1; None when it is free."""
    with socket.socket() as listener:
        # As servers do: a port that only waits for old connections to fade is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", number))
        except OSError as error:
            return error.errno
    # macOS lets 127.0.0.1 be bound beside a server on all addresses, which would then get no connection.
    with socket.socket() as client:
        client.settimeout(0.5)
        return errno.EADDRINUSE if client.connect_ex(("127.0.0.1", number)) == 0 else None


def free_disk(folder: Path) -> int:
    """Free bytes where the folder is, or will be."""
    return shutil.disk_usage(nearest(folder)).free


def nearest(folder: Path) -> Path:
    """The folder, or the nearest one around it that there is."""
    while not folder.exists():
        folder = folder.parent
    return folder


def memory() -> int | None:
    """Bytes of memory that are free for use where the system tells, else all there are; None when it tells neither."""
    try:
        import psutil

        return int(psutil.virtual_memory().available)
    except ImportError:
        pass
    for pages in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
        if pages in os.sysconf_names:
            return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    return None
