"""Changes on the runtime with Docker: a file beside docker-compose.yml that Compose reads, too, and a person can."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from workshop.changes import edges, local, patching
from workshop.changes.kinds import Change, Job, Limit, Process, Release, Setting, Wire
from workshop.stack import machine
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.log_files import readable
from workshop.stack.settings import ROOT, Settings

# How long a container that was made anew may take to be healthy, in seconds.
READY_SECONDS = 60
# What holds a process of ours in docker-compose.yml holds one of a change, too.
CONTAINER: dict[str, Any] = {
    "image": "${COMPOSE_PROJECT_NAME}-prepare",
    "pull_policy": "never",
    "restart": "unless-stopped",
    "init": True,
    "read_only": True,
    "tmpfs": ["/tmp"],  # noqa: S108 (a container's own)
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "pids_limit": 256,
    "mem_limit": "256m",
    "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
}
# Compose puts in the passwords, so none is in the file.
DATABASES = {
    f"{name.upper()}_DATABASE_URL": f"postgresql://{name}:${{{name.upper()}_PASSWORD:-workshop-{name}}}@postgres:5432/{name}"
    for name in ("orders", "inventory")
}
RELEASE = "/release"
# otel-collector.yaml has the processor, and nothing in its pipeline.
PROCESSORS = "[memory_limiter, filter/health_probes, tail_sampling, batch]"
TAIL_SAMPLING = [
    "--config=/etc/otelcol-contrib/config.yaml",
    f"--config=yaml:service::pipelines::traces::processors: {PROCESSORS}",
]
# Who calls by way of a wire does not begin before it listens.
LISTENS = {
    "test": [
        "CMD",
        "python",
        "-ISc",
        f"import socket; socket.create_connection(('127.0.0.1', {edges.DOCKER_PORT}), 4)",
    ],
    "interval": "1s",
    "timeout": "5s",
    "retries": 15,
}


def write(settings: Settings, changes: Sequence[Change]) -> None:
    """Have the file say what is in force; none where nothing is. No container is touched."""
    path = docker.changes_file(settings)
    found = services(settings, changes)
    if not found:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # JSON is YAML, and this is what it reads like.
    local.replace(path, local.HEADING + json.dumps({"services": found}, indent=2) + "\n")


def services(settings: Settings, changes: Sequence[Change]) -> dict[str, dict[str, Any]]:
    """What Compose lays over its services, and adds to them, by name."""
    found: dict[str, dict[str, Any]] = {}

    def environment(service: str, values: Mapping[str, str]) -> None:
        own = found.setdefault(service, {}).setdefault("environment", {})
        own.update({name: value.replace("$", "$$") for name, value in values.items()})

    for change in changes:
        match change:
            case Setting():
                environment(change.service, change.values)
                if "TAIL_SAMPLING_PERCENTAGE" in change.values:
                    found[change.service]["command"] = TAIL_SAMPLING
            case Release():
                front = patching.make(settings, change)
                environment(change.service, local.in_front(RELEASE, "/app", change))
                found[change.service].setdefault("volumes", []).append(f"{front}:{RELEASE}:ro".replace("$", "$$"))
            case Wire():
                edge, name = edges.EDGES[change.caller, change.callee], alias(change)
                environment(change.caller, {edge.variable: f"{edge.scheme}{name}:{edges.DOCKER_PORT}"})
                command = edges.command(change, f"0.0.0.0:{edges.DOCKER_PORT}", edge.inside)
                found[change.program] = CONTAINER | {
                    "command": command,
                    "networks": {"default": {"aliases": [name]}},
                }
                if change.via not in edges.SILENT:
                    found[change.program]["healthcheck"] = LISTENS
            case Job():
                command = ["python", "-m", change.module, *change.arguments]
                found[change.program] = CONTAINER | {"command": command, "environment": DATABASES}
            case Limit():
                most = {"cpus": change.cpus, "mem_limit": change.memory_mb and f"{change.memory_mb}m"}
                found.setdefault(change.service, {}).update({key: value for key, value in most.items() if value})
    return found


def alias(wire: Wire) -> str:
    """A wire's name between containers, one that the callee takes for its own (common/serving/hosts.py)."""
    return f"{wire.callee}.from-{wire.caller}.svc"


def converge(settings: Settings, changes: Sequence[Change], change: Change) -> None:
    """Have the containers be what these changes make them; the one that `change` is about is made anew."""
    write(settings, changes)
    beside = {each.program for each in changes if isinstance(each, Process) and not isinstance(each, Limit)}
    anew = change.service if isinstance(change, Limit) else change.restarts
    # Together: a caller asks again, for as long as a wire may take to listen.
    if names := sorted(beside | ({anew} if anew else set())):
        start(settings, names)
    if isinstance(change, Process) and not isinstance(change, Limit) and change.program not in beside:
        remove(settings, change.program)


def start(settings: Settings, names: list[str]) -> None:
    """Make containers anew where they have changed, and wait for them; StackError, with their words, when it fails."""
    arguments = ("up", "--detach", "--no-deps", "--wait", "--wait-timeout", str(READY_SECONDS), *names)
    done = subprocess.run(
        docker.compose(settings, *arguments),
        cwd=ROOT,
        env=docker.environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * READY_SECONDS + 30,
        check=False,
    )
    if done.returncode:
        last = docker.asked(settings, "logs", "--no-log-prefix", "--tail", "12", *names)
        reason = done.stderr.strip().splitlines()[-1:] or ["it failed"]
        lines = "\n".join(f"  {part}" for line in last.splitlines() for part in readable(line).splitlines())
        raise StackError(f"{', '.join(names)}: {reason[0]}\nThe last lines of the log:\n{lines}")


def ended(settings: Settings, changes: Sequence[Change]) -> set[str]:
    """The changes' own containers that do not run, by their services' names. A limit has none."""
    wanted = {each.program for each in changes if isinstance(each, Process) and not isinstance(each, Limit)}
    return {name for name in wanted if not _containers(settings, name, "--filter", "status=running")}


def _containers(settings: Settings, name: str, *arguments: str) -> list[str]:
    mine = (f"label=com.docker.compose.project={settings.project}", f"label=com.docker.compose.service={name}")
    filters = (word for each in mine for word in ("--filter", each))
    listed = machine.ask_docker("ps", "--all", "--quiet", *filters, *arguments)
    return listed.stdout.split() if listed is not None else []


def remove(settings: Settings, name: str) -> None:
    """Remove a container that no file names any more."""
    for each in _containers(settings, name):
        # In order: a job that is cut off leaves its locks behind, until PostgreSQL notices.
        machine.ask_docker("stop", "--time", "5", each)
        machine.ask_docker("rm", "--force", each)
