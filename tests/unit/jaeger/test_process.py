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
        ("TAIL_SAMPLING_PERCENTAGE", "101", "from 0 to 100"),
        ("TAIL_SAMPLING_PERCENTAGE", "nan", "from 0 to 100"),
        ("TAIL_SAMPLING_PERCENTAGE", "few", "from 0 to 100"),
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


def test_the_traces_are_there_again_after_a_restart(tmp_path: Path) -> None:
    """Ended in order, it writes what it holds; the next one answers with it."""
    kept = {"JAEGER_KEEP": str(tmp_path / "traces.otlp")}
    span = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "GET /"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    with command(tmp_path, **kept) as first:
        assert first.stdout
        otlp, _ = re.findall(r"port (\d+)", first.stdout.readline())
        request = urllib.request.Request(f"http://127.0.0.1:{otlp}/v1/traces", json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request, timeout=30).close()
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=30)
    with command(tmp_path, **kept) as second:
        assert second.stdout
        said = [second.stdout.readline(), second.stdout.readline()]
        assert any("1 traces of before are here again" in line for line in said)
        _, query = re.findall(r"port (\d+)", "".join(said))
        with urllib.request.urlopen(f"http://127.0.0.1:{query}/api/v3/traces/{span['traceId']}", timeout=30) as answer:
            assert span["spanId"] in answer.read().decode()
        second.terminate()
        second.communicate(timeout=30)
