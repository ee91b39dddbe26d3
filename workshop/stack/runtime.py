"""Docker or local: which of the two is up, and which the next start takes."""

from typing import Literal

from workshop.stack import machine, ports
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.local import supervisor
from workshop.stack.screen import complain, say
from workshop.stack.settings import Running, Settings

Runtime = Literal["docker", "local"]
# What is written into the data when it is made.
KEPT_WITH_THE_DATA = ("SEED_", "POSTGRES_PASSWORD")


def what_is_up(settings: Settings) -> Runtime | None:
    """The runtime that was started and still answers; None when nothing is up.

    StackError when it was Docker's, and Docker does not answer.
    """
    note = Running(settings).read()
    if note is None:
        return "docker" if settings.project in docker.projects() else None
    if note[0] == "local":
        return "local" if supervisor.answers(settings) is not None else None
    started = settings.model_copy(update={"compose_project_name": note[1].get("COMPOSE_PROJECT_NAME", "")})
    return "docker" if any(one["State"] == "running" for one in docker.containers(started)) else None


def choose(settings: Settings) -> Runtime:
    """The runtime for a start: what is up, what RUNTIME says, or Docker where it works."""
    already = what_is_up(settings)
    if already and settings.runtime not in ("auto", already):
        raise StackError(f"RUNTIME is {settings.runtime}, but the {already} runtime is up: make down first")
    if already:
        return already
    if settings.runtime == "local":
        return "local"
    reason = machine.docker_missing()
    if settings.runtime == "docker":
        if reason:
            raise StackError(f"RUNTIME is docker, which cannot be used: {reason}. RUNTIME=local needs no Docker.")
        return "docker"
    if reason is None:
        return "docker"
    if reason != machine.NO_DOCKER:
        complain(f"Running without Docker: {reason}.")
    return "local"


def check_docker_ports(settings: Settings) -> None:
    """StackError when another program has one of the ports that Docker would publish."""
    if what_is_up(settings) != "docker":
        docker.tell_others(settings)
        ports.check(settings, ports.DOCKER)


def changed(settings: Settings) -> list[str]:
    """The settings that are not what the running stack was started with, as `GATEWAY_PORT (8080, now 9090)`."""
    note = Running(settings).read()
    if note is None:
        return []
    now = settings.variables()
    return [
        f"{name} ({before}, now {now[name]})"
        for name, before in note[1].items()
        if name in now and now[name] != before and name not in ("RUNTIME", "LOAD_UI_PORT", "SHARE", "TEACH")
    ]


def tell_changed(settings: Settings) -> None:
    """Say that settings were changed since the start."""
    names = changed(settings)
    for what, when in (
        ([name for name in names if not name.startswith(KEPT_WITH_THE_DATA)], "make down and make up"),
        (
            [name for name in names if name.startswith(KEPT_WITH_THE_DATA)],
            "make clean, which removes the data, and make up",
        ),
    ):
        if what:
            say(f"These settings take effect after {when}: {', '.join(what)}.")
