"""The stand-in as a process: how it starts, what it says, how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ANY_PORT = {"BIND": "127.0.0.1:0", "OTLP_BIND": "127.0.0.1:0"}


def command(folder: Path, **settings: str) -> subprocess.Popen[str]:
    """Start it in a folder that is not the repository, with these settings."""
    env = {**os.environ, **ANY_PORT, **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "services.jaeger"],
        cwd=folder,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A started process and its two ports, OTLP first."""
    with command(tmp_path) as process:
        assert process.stdout
        said = json.loads(process.stdout.readline())
        assert said["service"] == "jaeger"
        yield process, re.findall(r"port (\d+)", said["message"])
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_ends_cleanly(running: tuple[subprocess.Popen[str], list[str]], number: signal.Signals) -> None:
    """A signal ends it with status 0 and no traceback, with connections open, too."""
    process, ports = running
    for port in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
            assert answer.status == 200
    with socket.create_connection(("127.0.0.1", int(ports[1]))):
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("setting", "value", "hint"),
    [
        ("BIND", "16686", "host:port"),
        ("OTLP_BIND", "127.0.0.1:http", "host:port"),
        ("BIND", "127.0.0.1:99999", "host:port"),
        ("JAEGER_MAX_TRACES", "0", "above 0"),
        ("JAEGER_MAX_MB", "much", "above 0"),
        ("JAEGER_MAX_BODY_MB", "-1", "above 0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, setting: str, value: str, hint: str) -> None:
    """One line says which setting, what it is and what it should be."""
    _, errors = command(tmp_path, **{setting: value}).communicate(timeout=30)
    assert f"{setting} is '{value}'" in errors
    assert hint in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("setting", ["BIND", "OTLP_BIND"])
def test_a_port_that_is_taken_is_named(tmp_path: Path, setting: str) -> None:
    """One line says which setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        _, errors = command(tmp_path, **{setting: address}).communicate(timeout=30)
    assert f"{setting} is {address}" in errors
    assert "Address already in use" in errors
    assert len(errors.splitlines()) == 1
