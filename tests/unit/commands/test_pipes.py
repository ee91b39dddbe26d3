"""`spans … | head`: who reads no further is told nothing about it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TRACES = str(ROOT / "tests/fixtures/traces/go_fan_out.otlp.json")


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["scenarios"],
        ["scenarios", "--json"],
        ["scenarios", "matrix"],
        ["trace", TRACES],
        ["trace", TRACES, "--json"],
        ["diagnose", TRACES, "--json"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("lines", [0, 1])
def test_a_closed_pipe_is_no_trouble(words: list[str], lines: int) -> None:
    """Closed before anything was written, or when the rest is written at the command's end."""
    with subprocess.Popen(
        [sys.executable, "-m", "workshop.cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None and command.stderr is not None
        for _ in range(lines):
            command.stdout.readline()
        command.stdout.close()
        told = command.stderr.read()
    assert told == ""
    assert command.returncode in (0, 1)
