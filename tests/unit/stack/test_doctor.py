"""What the doctor sees before anything is installed."""

import socket
from pathlib import Path

import pytest

from workshop.stack import doctor
from workshop.stack.settings import ROOT, Settings


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.env` beside an example whose ports are all free now."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    lines = []
    for line in (ROOT / ".env.example").read_text().splitlines():
        name = line.partition("=")[0]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            lines.append(f"{name}={free.getsockname()[1]}" if name.endswith("_PORT") else line)
    (tmp_path / ".env.example").write_text("\n".join(lines))
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
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env_file.write_text(f"CONSOLE_PORT={taken.getsockname()[1]}")
        found = list(doctor.default_ports())
    assert [(finding.what, finding.good) for finding in found] == [("ports", False)]
    assert "is taken: set CONSOLE_PORT in .env" in found[0].told


def test_an_empty_value_is_the_default(env_file: Path) -> None:
    """As for the commands."""
    env_file.write_text("GATEWAY_PORT=\n")
    assert [(finding.what, finding.good) for finding in doctor.default_ports()] == [("ports", True)]
