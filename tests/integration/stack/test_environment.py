"""A shell full of variables that mean something to a library, and a checkout next door: neither changes a command."""

import subprocess
from pathlib import Path

import pytest

from workshop.stack.local import system as local
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.settings import ROOT

from ..conftest import Stack

# Each has stopped a command, or sent it elsewhere, in somebody's shell.
HOSTILE = {
    "PGHOSTADDR": "127.0.0.2",
    "PGSSLMODE": "require",
    "PGOPTIONS": "-c default_transaction_read_only=on -c search_path=nowhere",
    "PGSERVICE": "production",
    "OTEL_PROPAGATORS": "b3",
    "OTEL_SDK_DISABLED": "true",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    "OTEL_TRACES_SAMPLER": "always_off",
    "UV_NO_EDITABLE": "1",
    "UV_CONFIG_FILE": "/nowhere/uv.toml",
    "PIP_USER": "1",
    "PIP_REQUIRE_HASHES": "1",
    "PIP_NO_BINARY": ":all:",
    "PYTHONPATH": "{strangers}",
    "PYTHONHOME": "/nowhere",
    "PYTHONWARNINGS": "error",
    "PYTHONSTARTUP": "/nowhere",
    "__PYVENV_LAUNCHER__": "/nowhere",
    "COLUMNS": "0",
    "GUNICORN_CMD_ARGS": "--bind 127.0.0.1:1",
    "FLASK_DEBUG": "1",
    "COMPOSE_FILE": "/nowhere/compose.yml",
    "LOCUST_USERS": "many",
    "BIND": "127.0.0.1:1",
    "DATABASE_URL": "postgresql://127.0.0.2/production",
    "THREADS": "none",
}
# Of the same kinds, none of which has stopped a command alone.
MORE = {
    **dict.fromkeys(("PGPASSFILE", "PGSSLROOTCERT", "PGSYSCONFDIR", "OTEL_CONFIG_FILE", "MAKEFILES"), "/nowhere"),
    **dict.fromkeys(("UV_PROJECT_ENVIRONMENT", "UV_PROJECT", "UV_WORKING_DIRECTORY", "PIP_TARGET"), "/nowhere"),
    **dict.fromkeys(("PIP_PREFIX", "PIP_CONSTRAINT", "PYTHONUSERBASE", "PYTHONPLATLIBDIR", "CDPATH"), "/nowhere"),
    **dict.fromkeys(("VIRTUAL_ENV", "CONDA_PREFIX", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "TMPDIR"), "/nowhere"),
    **dict.fromkeys(("BASH_ENV", "ENV", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "SHELL"), "/nowhere"),
    **dict.fromkeys(("http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:1"),
    **dict.fromkeys(("UV_OFFLINE", "UV_NO_CACHE", "PYTHONSAFEPATH", "PYTHONINSPECT", "POSIXLY_CORRECT"), "1"),
    **dict.fromkeys(("PYTHONDONTWRITEBYTECODE", "PGCONNECT_TIMEOUT", "FLASK_RUN_PORT", "PIP_REQUIRE_VIRTUALENV"), "1"),
    "PYTHONOPTIMIZE": "2",
    "PYTHONIOENCODING": "ascii",
    "PYTHONHASHSEED": "none",
    "PGTZ": "Mars",
    "PGCLIENTENCODING": "LATIN1",
    "PGCHANNELBINDING": "require",
    "WEB_CONCURRENCY": "9",
    "UV_PYTHON": "2.7",
    "TZ": "Nowhere/Bogus",
    "LC_ALL": "tr_TR.UTF-8",
    "LANGUAGE": "de",
    "TERM": "nonsense",
    "MAKEFLAGS": "-j8 --warn-undefined-variables",
    "GREP_OPTIONS": "-v",
    "IFS": "/",
    "no_proxy": "[::1",
    "OTEL_EXPORTER_OTLP_HEADERS": "x",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,requests,psycopg",
    "DOCKER_CONTEXT": "nowhere",
    "COMPOSE_PROFILES": "none",
    "SUPERVISOR_SOCKET": "/nowhere",
    "SECRETS_FOLDER": "/nowhere",
    "STACK_ID": "another",
}


@pytest.fixture
def strangers(tmp_path: Path) -> str:
    """A folder with packages of our names, and of our libraries', as a PYTHONPATH may have."""
    for name in ("common", "workshop", "typer", "psycopg", "sitecustomize"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a stranger was imported')\n")
    return str(tmp_path)


def typed(stack: ScratchStack, hostile: dict[str, str], *arguments: str) -> str:
    """What a command printed that was run as make runs it, with these variables set; it must have succeeded."""
    command = ["sh", str(ROOT / "workshop" / "spans.sh"), *arguments]
    done = subprocess.run(
        command, env={**stack.environment, **hostile}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", HOSTILE)
def test_a_variable_of_somebody_else_changes_nothing(stack: Stack, strangers: str, name: str) -> None:
    """The index is created and dropped in this system's own database, and the checkout is here."""
    hostile = {name: HOSTILE[name].format(strangers=strangers)}
    assert "201 " in typed(stack, hostile, "checkout")
    assert "reads the whole table" in typed(stack, hostile, "explain")


def test_all_of_them_at_once_from_up_to_down(tmp_path_factory: pytest.TempPathFactory, strangers: str) -> None:
    """A whole session; and the doctor names what did not count."""
    stack = ScratchStack(tmp_path_factory.mktemp("hostile"), seed_movements=60_000)
    hostile = MORE | {name: value.format(strangers=strangers) for name, value in HOSTILE.items()}
    try:
        typed(stack, hostile, "up")
        assert "201 " in typed(stack, hostile, "checkout", "--count", "2")
        assert "inventory" in typed(stack, hostile, "trace")
        assert "Created the index" in typed(stack, hostile, "fix")
        assert "invariants hold" in typed(stack, hostile, "audit", "--settle", "30")
        told = typed(stack, hostile, "doctor")
        for name in ("PGHOSTADDR", "OTEL_PROPAGATORS", "PYTHONPATH", "GUNICORN_CMD_ARGS", "UV_NO_EDITABLE"):
            assert name in told
        assert "Everything is stopped" in typed(stack, hostile, "down")
    finally:
        stack.spans("down")
        local.remove(stack.settings)


@pytest.mark.parametrize(
    "command", [[name] for name in "checkout explain fix break audit hunt load dead-letters retry trace".split()]
)
def test_a_command_leaves_another_checkouts_system_alone(stack: Stack, tmp_path: Path, command: list[str]) -> None:
    """Its own is not up, and on the same ports another answers: that is told, and nothing is done."""
    ports = {name: value for name, value in stack.settings if name.endswith("_port")}
    neighbour = ScratchStack(tmp_path, **ports)
    with stack.orders() as connection:
        before = connection.execute("SELECT count(*) FROM orders").fetchone()
    done = neighbour.spans(*command)
    assert done.returncode == 1
    assert f"is answered by another checkout of this project (its state is in {stack.settings.state})" in done.stderr
    assert "nothing was done" in done.stderr
    with stack.orders() as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == before
    assert "is missing (make fix creates it)" in stack.must("status")
