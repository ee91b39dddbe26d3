"""The cache without Docker: the program that a wheel brought, and a system that does without it."""

import re
from pathlib import Path

import pytest

from workshop.stack import services, status
from workshop.stack.local import supervisor, valkey
from workshop.stack.settings import Settings


def test_the_wheel_brings_a_program() -> None:
    """Where there is one it can be run; nobody has to know where it lies."""
    program = valkey.program()
    if program is None:
        pytest.skip(valkey.MISSING)
    assert Path(program).name == "valkey-server" and Path(program).stat().st_mode & 0o100


def test_it_is_started_with_its_settings_on_its_own_port(tmp_path: Path) -> None:
    """On this machine only; the gateway's URL leads there."""
    settings = Settings(_env_file=None, state_folder=str(tmp_path), valkey_port=6399)  # type: ignore[call-arg]
    environment = supervisor.environment(settings)
    if valkey.program():
        assert re.search(
            r"valkey-server\S* services/valkey/valkey.conf --bind 127.0.0.1 --port 6399$", environment["VALKEY_COMMAND"]
        )
        assert environment["CACHE_URL"] == "redis://127.0.0.1:6399/0"


def test_without_a_program_the_system_runs_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started, the gateway knows of no cache, and the status says so and stays good."""
    monkeypatch.setattr(valkey, "program", lambda: None)
    settings = Settings(_env_file=None, state_folder=str(tmp_path))  # type: ignore[call-arg]
    assert supervisor.environment(settings)["CACHE_URL"] == ""
    assert {"valkey"} == {each.name for each in services.SERVICES} - {each.name for each in services.here()}
    (row,) = [row for row in status.local_rows(settings) if row[0] == "valkey"]
    assert row[1] == "not here" and row[-1] == f"without: {valkey.MISSING}"
    assert status.is_well(row)


def test_a_wheel_without_a_program_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the one on PATH is taken, when there is one."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert valkey.program() is None
    own = tmp_path / "valkey-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert valkey.program() == str(own)
