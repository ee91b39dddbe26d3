"""docker-compose.yml says the same as the settings and as the runtime without Docker; no engine is needed to see it."""

import re
import subprocess
import sys
import tomllib
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from services.postgres import server
from workshop.changes import docker as changes
from workshop.stack.docker import system as docker
from workshop.stack.services import NOT_NEEDED
from workshop.stack.settings import Settings, format_value

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(TEXT)["services"]
# What Docker cannot take from them.
LOCAL_ONLY = {"RUNTIME", "POSTGRES_BIN", "STATE_FOLDER", "LOAD_UI_PORT", "COMPOSE_PROJECT_NAME"}
# The door of a shared workshop is a process of this machine with Docker, too.
LOCAL_ONLY |= {"SHARE", "SHARE_SHOP_PORT", "SHARE_CONSOLE_PORT"}
# The commands leave a note for the console, in the folder that both runtimes give it.
LOCAL_ONLY |= {"TEACH"}


def local_environment(program: str) -> dict[str, str]:
    """The environment that supervisord.conf gives a program, the common part with it."""
    parser = RawConfigParser()
    parser.read(ROOT / "supervisord.conf")
    text = parser["supervisord"]["environment"] + "," + parser[f"program:{program}"].get("environment", "")
    return dict(re.findall(r'(\w+)="([^"]*)"', text))


def test_defaults_are_those_of_the_settings() -> None:
    """Every ${NAME:-default} names a setting, with its default; every setting for Docker is in the file."""
    settings = {name.upper(): format_value(field.default) for name, field in Settings.model_fields.items()}
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))
    assert {used.pop(name) for name in (*docker.MOUNTED, "STACK_ID")} == {""}
    assert used.pop("HISTORY_FOLDER") == "history"  # a volume where no command names the folder
    assert used == {name: default for name, default in settings.items() if name not in LOCAL_ONLY}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"collector", "jaeger", "postgres", "prepare", "valkey"}))
def test_a_process_runs_as_without_docker(name: str) -> None:
    """The same command and the same variables, their values aside; those about tracing have the same values."""
    inside, outside = SERVICES[name]["environment"], local_environment(name)
    parser = RawConfigParser()
    parser.read(ROOT / "supervisord.conf")
    command = parser[f"program:{name}"]["command"].removeprefix(f"sh services/launch.sh {name} ")
    # A container is a session of its own anyway.
    command = command.replace("-m workshop.stack.local.session ", "-m ")
    assert SERVICES[name]["command"].replace('"', "") == command
    settings = {field.upper() for field in Settings.model_fields}
    # supervisord keeps what a process prints in a file; in a container it writes one itself.
    own = {variable for variable in outside if not variable.startswith("OTEL_")}
    assert {variable for variable in inside if not variable.startswith("OTEL_")} - settings - {"LOG_FILE"} == own
    if inside.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        for variable in outside:
            if variable.startswith("OTEL_") and variable != "OTEL_EXPORTER_OTLP_ENDPOINT":
                assert str(inside[variable]).replace("$$", "$") == outside[variable], variable


@pytest.mark.parametrize(
    "module",
    [
        "workshop.console.__main__",
        "workshop.changes.wires.proxy",
        "workshop.changes.wires.link",
        "workshop.changes.wires.firewall",
        "workshop.changes.jobs.sql",
    ],
)
def test_what_a_container_runs_needs_no_checkout(module: str) -> None:
    """In the image there are packages only: the settings of the commands read .env.example, which is not there."""
    code = f"import sys, {module}; print('workshop.stack.first_run.environment' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_spans_tell_the_version_of_the_project() -> None:
    """What is not changed is what pyproject.toml says it is."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    told = f"service.version={version}"
    assert local_environment("gateway")["OTEL_RESOURCE_ATTRIBUTES"] == told
    assert SERVICES["gateway"]["environment"]["OTEL_RESOURCE_ATTRIBUTES"] == told


def test_postgres_is_set_up_as_without_docker() -> None:
    """The plans and the times of the ledger's query depend on it."""
    given = dict(re.findall(r"-c (\w+)=(\S+)", SERVICES["postgres"]["command"]))
    assert given.pop("cluster_name") == "${STACK_ID:-}"
    local = {"listen_addresses", "unix_socket_directories", "log_min_messages"}
    assert given == {name: value for name, value in server.SETTINGS.items() if name not in local}


def test_the_cache_keeps_nothing_and_makes_room() -> None:
    """One file for both runtimes: it is bounded well below its container, writes nothing, and forgets the oldest."""
    lines = (ROOT / "services/valkey/valkey.conf").read_text().splitlines()
    settings = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    assert (settings["save"], settings["appendonly"]) == ('""', "no")
    assert (settings["maxmemory"], settings["maxmemory-policy"]) == ("32mb", "allkeys-lru")
    assert SERVICES["valkey"]["mem_limit"] == "64m"
    assert any("services/valkey/valkey.conf" in volume for volume in SERVICES["valkey"]["volumes"])


def test_everything_is_published_on_this_machine_only() -> None:
    """Docker opens a port to the whole network unless it is told an address."""
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(published) == 11
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("path", ["otel-collector.yaml", "services/jaeger/jaeger.yaml"])
def test_pipelines_use_what_is_declared(path: str) -> None:
    """Every receiver, processor and exporter of a pipeline is there, and nothing is there for nothing."""
    settings = yaml.safe_load((ROOT / path).read_text())
    (pipeline,) = settings["service"]["pipelines"].values()
    used = {part: pipeline.get(part, []) for part in ("receivers", "processors", "exporters")}
    if path == "otel-collector.yaml":
        # A change's, at its place: before what makes batches of what is left.
        tail = yaml.safe_load(changes.PROCESSORS)
        assert [each for each in tail if each != "tail_sampling"] == used["processors"]
        used["processors"] = tail
    for part, names in used.items():
        assert sorted(settings.get(part, {})) == sorted(names)
    assert sorted(settings["extensions"]) == sorted(settings["service"]["extensions"])


def test_the_memory_limiter_comes_first_and_the_batch_last() -> None:
    """Refusing must come before any work is done; batches are of what is left."""
    settings = yaml.safe_load((ROOT / "otel-collector.yaml").read_text())
    processors = settings["service"]["pipelines"]["traces"]["processors"]
    assert processors[0] == "memory_limiter"
    assert processors[-1] == "batch"


def test_nothing_waits_for_telemetry() -> None:
    """A checkout needs neither collector nor Jaeger nor console, so no container's start depends on their health."""
    waits = {
        (name, other): condition
        for name, service in SERVICES.items()
        for other, condition in service.get("depends_on", {}).items()
        if other in NOT_NEEDED
    }
    assert {name for name, _ in waits} == {"gateway", "order", "order-worker", "inventory", "payment", "collector"}
    assert all(each == {"condition": "service_started", "required": False} for each in waits.values())


def test_each_role_has_a_password_of_its_own() -> None:
    """Whoever reads one service's environment has the other's data no nearer."""
    urls = [url for name in ("orders", "inventory") for url in [yaml.safe_load(TEXT)["x-databases"][name]]]
    urls.append(SERVICES["prepare"]["environment"]["POSTGRES_URL"])
    assert len({re.search(r":(\$\{.*?\})@", url)[1] for url in urls}) == 3  # type: ignore[index]
    superuser = {name for name, service in SERVICES.items() if "POSTGRES_PASSWORD" in str(service)}
    assert superuser == {"postgres", "prepare"}


def test_the_collector_s_queue_is_bounded_in_bytes() -> None:
    """And fits into its memory, several times: what is queued takes more there than on the wire."""
    settings = yaml.safe_load((ROOT / "otel-collector.yaml").read_text())
    (exporter,) = settings["exporters"].values()
    assert exporter["sending_queue"]["sizer"] == "bytes"
    limit = settings["processors"]["memory_limiter"]["limit_mib"] * 2**20
    assert exporter["sending_queue"]["queue_size"] * 5 < limit
    assert SERVICES["collector"]["environment"]["GOMEMLIMIT"] == "200MiB"
    assert SERVICES["collector"]["mem_limit"] == "256m"
