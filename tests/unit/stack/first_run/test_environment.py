"""What is let in of a person's environment, and what a wrong setting in it is told with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.stack.errors import StackError
from workshop.stack.first_run import environment, install
from workshop.stack.settings import ROOT, load


@pytest.mark.parametrize(
    ("name", "value", "counts"),
    [
        ("PATH", "/usr/bin", True),
        ("ORDER_PORT", "9000", True),
        ("https_proxy", "http://proxy:3128", True),
        ("UV_INDEX_COMPANY_PASSWORD", "x", True),
        ("PIP_CONFIG_FILE", "/home/me/pip.conf", True),
        ("COLUMNS", "80", True),
        ("COLUMNS", "0", False),
        ("COLUMNS", "²", False),
        ("LINES", "", False),
        ("PGHOSTADDR", "127.0.0.2", False),
        ("OTEL_SDK_DISABLED", "true", False),
        ("PIP_TARGET", "/nowhere", False),
        ("UV_PROJECT_ENVIRONMENT", "/nowhere", False),
        ("LD_PRELOAD", "/nowhere.so", False),
    ],
)
def test_what_counts(name: str, value: str, counts: bool) -> None:
    """The person's place and way to the outside world do; what libraries read, and a terminal of no width, do not."""
    assert environment.cleaned({name: value}) == ({name: value} if counts else {})


def test_a_setting_from_a_cluster_is_told_with_where_it_is_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To set it in .env is no help where the environment wins."""
    monkeypatch.setenv("ORDER_PORT", "tcp://10.0.0.6:8081")
    with pytest.raises(StackError) as error:
        load(tmp_path / ".env")
    assert "ORDER_PORT is 'tcp://10.0.0.6:8081'" in str(error.value)
    assert "ORDER_PORT is set in the environment of your shell (or in make's words)" in str(error.value)
    assert "unset ORDER_PORT, or give another value there" in str(error.value)


def test_a_setting_from_the_file_is_told_with_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And two that are at odds with the one that the shell has set."""
    monkeypatch.delenv("ORDER_PORT", raising=False)
    (tmp_path / ".env").write_text("ORDER_PORT=no\n")
    with pytest.raises(StackError, match=r"set ORDER_PORT in \.env$"):
        load(tmp_path / ".env")
    monkeypatch.setenv("GATEWAY_PORT", "8081")
    (tmp_path / ".env").write_text("ORDER_PORT=8081\n")
    with pytest.raises(StackError, match=r"both 8081: give each a port of its own .*unset GATEWAY_PORT"):
        load(tmp_path / ".env")


@pytest.fixture
def strangers(tmp_path: Path) -> str:
    """A folder with packages of our names, and of our libraries', as a PYTHONPATH may have."""
    for name in ("common", "workshop", "typer", "rich", "psycopg", "sitecustomize"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a stranger was imported')\n")
    return str(tmp_path)


@pytest.mark.parametrize(
    "name", ["PYTHONPATH", "PYTHONWARNINGS", "PYTHONHOME", "PYTHONOPTIMIZE", "__PYVENV_LAUNCHER__", "COLUMNS"]
)
def test_the_program_itself_is_as_safe_as_make(
    strangers: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`.venv/bin/spans` starts a Python that has heard of the person's variables already."""
    value = {"PYTHONPATH": strangers, "PYTHONWARNINGS": "error", "PYTHONHOME": "/nowhere", "COLUMNS": "0"}.get(
        name, "1"
    )
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(install, "VENV", tmp_path / "it's a .venv")
    (install.VENV / "bin").mkdir(parents=True)
    (install.VENV / "bin" / "spans").touch()
    install.start_alone()
    done = subprocess.run(
        [install.VENV / "bin" / "spans", "--help"],
        cwd=ROOT,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "A slow checkout, and the trace that shows why" in done.stdout
    assert done.stderr == ""
