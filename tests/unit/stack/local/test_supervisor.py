"""supervisord's file and what it is handed."""

import configparser
import re
import stat
from pathlib import Path

import pytest

from workshop.stack.local import supervisor
from workshop.stack.services import SERVICES
from workshop.stack.settings import ROOT, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a state folder of the test's own."""
    return Settings(_env_file=None, state_folder=str(tmp_path), orders_password="p~1")  # type: ignore[call-arg]


def test_every_process_stands_in_the_file_and_every_program_is_a_process() -> None:
    """One list would be forgotten when the other grows."""
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "supervisord.conf")
    programs = [section.removeprefix("program:") for section in parser.sections() if section.startswith("program:")]
    assert sorted(programs) == sorted(service.name for service in SERVICES)


def test_every_variable_of_the_file_is_handed_over(settings: Settings) -> None:
    """supervisord does not start with a name that it does not know."""
    used = set(re.findall(r"%\(ENV_([A-Z_]+)\)s", (ROOT / "supervisord.conf").read_text()))
    assert used <= supervisor.environment(settings).keys()


def test_database_urls_name_role_password_port_and_database(settings: Settings) -> None:
    """The same for both runtimes."""
    found = supervisor.environment(settings)
    assert found["ORDERS_DATABASE_URL"] == "postgresql://orders:p~1@127.0.0.1:5433/orders"
    assert found["INVENTORY_DATABASE_URL"] == "postgresql://inventory:workshop-inventory@127.0.0.1:5433/inventory"


def test_services_reach_one_another_without_a_proxy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for the world must not stand between two processes of one machine."""
    monkeypatch.setenv("NO_PROXY", "example.org")
    assert supervisor.environment(settings)["NO_PROXY"] == "example.org,127.0.0.1,localhost"


def test_tracing_settings_of_the_person_do_not_reach_the_services(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OTEL_* and PG* set for another project would change what everyone sees."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("PGHOST", "elsewhere")
    assert not {"OTEL_SDK_DISABLED", "PGHOST"} & supervisor.environment(settings).keys()


def test_the_real_jaeger_is_used_when_it_is_on_path(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Otherwise the stand-in."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert supervisor.environment(settings)["JAEGER_COMMAND"] == "python -m services.jaeger"
    (tmp_path / "jaeger").touch(mode=0o755)
    assert str(tmp_path / "jaeger") in supervisor.environment(settings)["JAEGER_COMMAND"]


def test_a_deep_folder_gets_a_short_socket_that_is_private(tmp_path: Path) -> None:
    """A Unix socket's path holds some hundred bytes; two folders never share one."""
    assert supervisor.socket_path(Path("/a/.run")) == Path("/a/.run/supervisor.sock")
    deep = [supervisor.socket_path(tmp_path / letter / ("x" * 100)) for letter in "ab"]
    assert deep[0] != deep[1]
    assert all(len(str(path)) <= supervisor.LONGEST_SOCKET for path in deep)
    assert stat.S_IMODE(deep[0].parent.stat().st_mode) == 0o700
