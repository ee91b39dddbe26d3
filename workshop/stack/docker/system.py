"""The runtime with Docker: `docker compose` does the work."""

import contextlib
import hashlib
import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from workshop.stack import machine
from workshop.stack.errors import StackError
from workshop.stack.screen import say, waiting
from workshop.stack.services import NOT_NEEDED
from workshop.stack.settings import ROOT, Running, Settings

# The one container that is meant to end.
PREPARE = "prepare"
# Compose does not see that a file which it only mounts has changed, so these stand in a label of their containers.
MOUNTED = {
    "COLLECTOR_CONFIG": "otel-collector.yaml",
    "JAEGER_CONFIG": "services/jaeger/jaeger.yaml",
    "VALKEY_CONFIG": "services/valkey/valkey.conf",
}
# How long containers that were unhealthy may take to recover, in seconds.
RECOVERY_SECONDS = 60


def compose(settings: Settings, *arguments: str) -> list[str]:
    """The command line of `docker compose …` for this checkout's project, with what was changed since its delivery."""
    changed = changes_file(settings)
    there = ["docker-compose.yml", "docker-compose.override.yml", str(changed)] if changed.exists() else []
    # Named all, or none: Compose then looks for the first two by itself.
    files = [word for name in there if (ROOT / name).exists() for word in ("--file", name)]
    return ["docker", "compose", "--project-name", settings.project, *files, *arguments]


def changes_file(settings: Settings) -> Path:
    """What workshop/changes lays over docker-compose.yml; not there when nothing is changed."""
    return settings.state / "changes" / "compose.yaml"


def environment(settings: Settings) -> dict[str, str]:
    """The settings, for docker-compose.yml's variables."""
    given = {name: hashlib.sha256((ROOT / path).read_bytes()).hexdigest()[:12] for name, path in MOUNTED.items()}
    given["HISTORY_FOLDER"] = str(settings.history.parent)
    given["STACK_ID"] = Running(settings).id()
    return {**os.environ, **given, **{name: value for name, value in settings.variables().items() if value}}


def run(settings: Settings, *arguments: str) -> None:
    """Run `docker compose …` with its output shown; StackError when it fails."""
    command = compose(settings, *arguments)
    code = subprocess.run(
        command, cwd=ROOT, env=environment(settings), stdin=subprocess.DEVNULL, check=False
    ).returncode
    if code:
        raise StackError(f"`{' '.join(command)}` failed with exit code {code}, its reason is above")


def asked(settings: Settings, *arguments: str) -> str:
    """What `docker compose …` prints, quietly; StackError when Docker does not answer, or not well."""
    command = compose(settings, *arguments)
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
    except (subprocess.TimeoutExpired, OSError) as error:
        reason = str(error)
    else:
        if not done.returncode:
            return done.stdout
        reason = done.stderr.strip()[-300:]
        if machine.docker_missing() is None:
            raise StackError(f"`{' '.join(command[:2])} {arguments[0]}` failed: {reason}")
    raise StackError(
        f"the system was started with Docker (project {settings.project}), which does not answer now: {reason}\n"
        "Start Docker, then run this again."
    )


def containers(settings: Settings) -> list[dict[str, Any]]:
    """The project's containers as `docker compose ps` tells them: Service, State, Health, Publishers …"""
    text = asked(settings, "ps", "--all", "--format", "json").strip()
    # Older versions print one array, newer ones an object a line.
    found: list[dict[str, Any]] = (
        json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    )
    return found


def services(settings: Settings) -> list[str]:
    """The services that docker-compose.yml names."""
    return sorted(asked(settings, "config", "--services").split())


def projects() -> set[str]:
    """The Compose projects that have running containers of this checkout, whoever started them; none without Docker."""
    name = '{{.Label "com.docker.compose.project"}}'
    here = f"label=com.docker.compose.project.working_dir={ROOT}"
    done = machine.ask_docker("ps", "--filter", here, "--format", name)
    return set(done.stdout.split()) if done is not None and not done.returncode else set()


def tell_others(settings: Settings) -> None:
    """StackError when this checkout is up as a project that `make` did not start, and so does not see.

    Whoever has said RUNTIME=local does not mean it: a second system may be beside the checkout's own.
    """
    if settings.runtime == "local":
        return
    for other in sorted(projects() - {settings.project}):
        raise StackError(
            f"this checkout is up as the Compose project {other}, which `docker compose` was given without make: "
            f"set COMPOSE_PROJECT_NAME={other} in .env, and the make commands work with it, "
            f"or stop it with docker compose --project-name {other} down"
        )


def well(container: dict[str, Any]) -> bool:
    """Whether a container does what it should: runs and is not unhealthy, or had one thing to do and did it."""
    if container["Service"] == PREPARE and container["State"] == "exited":
        return container.get("ExitCode") == 0
    return container["State"] == "running" and container.get("Health") in ("healthy", "", None)


def up_for(container: dict[str, Any]) -> str:
    """`4 minutes`: how long a container has been running; nothing for one that is not."""
    match = re.match(r"Up (?:About )?(.+?)(?: \(.*\))?$", str(container.get("Status", "")))
    return match[1] if match else ""


def tell_why(settings: Settings, lines: int = 12) -> None:
    """The last words of each container that is not well."""
    for one in containers(settings):
        if not well(one) and one["State"] != "created" and one.get("Health") != "starting":
            hurt = "; no checkout needs it" if one["Service"] in NOT_NEEDED else ""
            say(f"\n{one['Service']} is {one.get('Health') or one['State']}{hurt}. The last lines of its log:")
            subprocess.run(
                compose(settings, "logs", "--no-log-prefix", "--tail", str(lines), one["Service"]),
                cwd=ROOT,
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                check=False,
            )


def up(settings: Settings) -> None:
    """Build what has changed, start, and come back when all is healthy; nothing is left running otherwise."""
    was_up = any(container["State"] == "running" for container in containers(settings))
    Running(settings).write("docker", settings)
    remember(settings)
    # Or the engine would make it, for root alone.
    settings.history.parent.mkdir(parents=True, exist_ok=True)
    for path in MOUNTED.values():
        # Other users read them, in their containers, whatever the umask was when the checkout was made.
        with contextlib.suppress(OSError):
            (ROOT / path).chmod((ROOT / path).stat().st_mode | 0o444)
    say(f"Docker: building and starting the project {settings.project}")
    try:
        run(settings, "up", "--detach", "--build", "--wait")
    except BaseException as error:
        # Compose gives up at once on a container that was unhealthy before what it needs was started again, and on one
        # that nobody needs.
        if isinstance(error, StackError) and shop_is_up(settings):
            tell_why(settings)
            return
        if isinstance(error, StackError):
            tell_why(settings)
        if not was_up:
            with contextlib.suppress(OSError):
                say("Stopping what was started.")
            stop(settings)
            if isinstance(error, StackError):
                # No registry is reached, a disk is full: what nothing here can mend.
                raise StackError(f"{error}.\nRUNTIME=local make up starts the same system without Docker.") from None
        raise


def shop_is_up(settings: Settings) -> bool:
    """Whether all that a checkout needs is well within RECOVERY_SECONDS."""
    needed = {name for name in services(settings) if name not in NOT_NEEDED}
    deadline = time.monotonic() + RECOVERY_SECONDS
    with waiting("waiting for the containers") as show:
        while time.monotonic() < deadline:
            there = {str(one["Service"]): one for one in containers(settings)}
            if any(name not in there or never_comes(there[name]) for name in needed):
                return False
            sick = sorted(name for name in needed if not well(there[name]))
            if not sick:
                return True
            show(f"waiting for {', '.join(sick)}")
            time.sleep(1)
    return False


def never_comes(container: dict[str, Any]) -> bool:
    """Whether nobody will start it any more: Compose has given up before, or it had one thing to do and failed."""
    ended = container["Service"] == PREPARE and container["State"] == "exited"
    return container["State"] == "created" or (ended and not well(container))


def stop(settings: Settings) -> bool:
    """Remove the containers, keep the data; True when there were some. StackError when Docker does not."""
    some = bool(containers(settings))
    run(settings, "down", "--remove-orphans")
    Running(settings).forget()
    return some


def remember(settings: Settings) -> None:
    """Write down that there is data in Docker, for `make clean`."""
    names = {*remembered(settings), settings.project}
    (settings.state / "docker-projects").write_text("".join(f"{name}\n" for name in sorted(names)))


def remembered(settings: Settings) -> list[str]:
    """The projects that this checkout has been, one for each COMPOSE_PROJECT_NAME that was set."""
    path: Path = settings.state / "docker-projects"
    return path.read_text().split() if path.exists() else []


def remove(settings: Settings) -> None:
    """Remove the containers, their data, and the images that were built for them."""
    run(settings, "down", "--volumes", "--remove-orphans")
    # By their label: each `up` after a change has left the image before without a name.
    label = f"label=slow-checkout.project={settings.project}"
    command = ["docker", "image", "prune", "--all", "--force", "--filter", label]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise StackError(f"the images could not be removed: {done.stderr.strip()}")
    Running(settings).forget()
