"""The runtime with Docker: `docker compose` does the work."""

import json
import os
import subprocess
from typing import Any

from workshop.stack.errors import StackError
from workshop.stack.screen import say
from workshop.stack.settings import ROOT, Running, Settings


def compose(settings: Settings, *arguments: str) -> list[str]:
    """The command line of `docker compose …` for this checkout's project."""
    return ["docker", "compose", "--project-name", settings.project, *arguments]


def environment(settings: Settings) -> dict[str, str]:
    """The settings, for docker-compose.yml's variables."""
    return {**os.environ, **{name: value for name, value in settings.variables().items() if value}}


def run(settings: Settings, *arguments: str) -> None:
    """Run `docker compose …` with its output shown; StackError when it fails."""
    command = compose(settings, *arguments)
    code = subprocess.run(
        command, cwd=ROOT, env=environment(settings), stdin=subprocess.DEVNULL, check=False
    ).returncode
    if code:
        raise StackError(f"`{' '.join(command)}` failed with exit code {code}, its reason is above")


def engine(*arguments: str) -> str:
    """What `docker …` prints; StackError with its own words when it fails."""
    command = ["docker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise StackError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def containers(settings: Settings) -> list[dict[str, Any]]:
    """The project's containers as `docker compose ps` tells them: Service, State, Health, Publishers …"""
    command = compose(settings, "ps", "--all", "--format", "json")
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(settings),
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return []
    text = done.stdout.strip()
    if done.returncode or not text:
        return []
    # Older versions print one array, newer ones an object a line.
    found: list[dict[str, Any]] = (
        json.loads(text) if text.startswith("[") else [json.loads(x) for x in text.splitlines()]
    )
    return found


def well(container: dict[str, Any]) -> bool:
    """Whether a container does what it should: runs and is not unhealthy, or had one thing to do and did it."""
    if container["State"] == "exited":
        return container.get("ExitCode") == 0
    return container["State"] == "running" and container.get("Health") in ("healthy", "", None)


def tell_why(settings: Settings) -> None:
    """The last words of each container that is not well, before it is removed."""
    for one in containers(settings):
        if not well(one):
            say(f"\n{one['Service']} is {one.get('Health') or one['State']}. The last lines of its log:")
            subprocess.run(
                compose(settings, "logs", "--no-log-prefix", "--tail", "12", one["Service"]),
                cwd=ROOT,
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                check=False,
            )


def up(settings: Settings) -> None:
    """Build what has changed, start, and come back when all is healthy; nothing is left running otherwise."""
    was_up = any(container["State"] == "running" for container in containers(settings))
    Running(settings).write("docker", settings)
    (settings.state / "used-docker").touch()  # `make clean` then removes volumes and images
    say(f"Docker: building and starting the project {settings.project}")
    try:
        run(settings, "up", "--detach", "--build", "--wait")
    except BaseException as error:
        if isinstance(error, StackError):
            tell_why(settings)
        if not was_up:
            say("Stopping what was started.")
            stop(settings)
        raise


def stop(settings: Settings) -> bool:
    """Remove the containers, keep the data; True when there were some."""
    some = bool(containers(settings))
    subprocess.run(
        compose(settings, "down", "--remove-orphans"),
        cwd=ROOT,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    Running(settings).forget()
    return some


def remove(settings: Settings) -> None:
    """Remove the containers, their data, and the image that was built."""
    run(settings, "down", "--volumes", "--remove-orphans")
    # Compose keeps it, whatever --rmi says: other services name it, so it counts as somebody else's.
    image = f"{settings.project}-prepare"
    if engine("image", "ls", "--quiet", image):
        engine("image", "rm", image)
    Running(settings).forget()
