"""What the doctor sees before anything is installed."""

import socket
from pathlib import Path

import pytest

from workshop.stack.first_run import doctor
from workshop.stack.local.scratch import free_ports
from workshop.stack.settings import Settings


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.env` beside an example whose ports are all free now."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    names = [name.upper() for name in Settings.model_fields if name.endswith("_port")]
    ports = zip(names, free_ports(len(names)), strict=True)
    (tmp_path / ".env.example").write_text("\n".join(f"{name}={port}" for name, port in ports))
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    return tmp_path / ".env"


def test_a_file_is_read_as_the_commands_read_it(env_file: Path) -> None:
    """Remarks, quotes, spaces."""
    env_file.write_text("# GATEWAY_PORT=1\nGATEWAY_PORT = 9000 # ours\nRUNTIME='local'\nSTATE_FOLDER=\n")
    assert doctor.read_env() == {"GATEWAY_PORT": "9000", "RUNTIME": "local", "STATE_FOLDER": ""}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("GATEWAY_PORT=99999", "GATEWAY_PORT is '99999'"),
        ("GATEWAY_PORT=²", "GATEWAY_PORT is '²'"),
        ("GATEWAY_PORT=x", "GATEWAY_PORT is 'x'"),
        ("GATEWAY_PORT=65001\nORDER_PORT=65001", "GATEWAY_PORT and ORDER_PORT are both 65001"),
    ],
)
def test_a_port_that_is_none_is_told(env_file: Path, written: str, told: str) -> None:
    """With the name to change, and it is a no."""
    env_file.write_text(written)
    found = [finding for finding in doctor.default_ports() if finding.good is False]
    assert [finding for finding in found if told in finding.told]


def test_a_port_that_is_taken_is_told(env_file: Path) -> None:
    """With its setting."""
    port = int(doctor.read_env(".env.example")["CONSOLE_PORT"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        found = list(doctor.default_ports())
    assert [(finding.what, finding.good) for finding in found] == [("ports", False)]
    assert found[0].told == f"port {port} is taken: set CONSOLE_PORT in .env"


def test_an_empty_value_is_the_default(env_file: Path) -> None:
    """As for the commands."""
    env_file.write_text("GATEWAY_PORT=\n")
    assert [(finding.what, finding.good) for finding in doctor.default_ports()] == [("ports", True)]
