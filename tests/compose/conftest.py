"""The Compose file on a real engine, started once for all of these tests: ports and a project of its own."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import MOVEMENTS, Stack, eventually
from workshop.stack import machine
from workshop.stack.docker import system as docker
from workshop.stack.settings import ROOT

__all__ = ["eventually"]

CACHE_IMAGE = "valkey/valkey:9"


class ComposeStack(Stack):
    """A running Compose project."""

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout."""
        return subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)

    def docker(self, *arguments: str) -> str:
        """What `docker …` prints; the test fails with its error when it fails."""
        done = self.run("docker", *arguments)
        if done.returncode:
            pytest.fail(f"docker {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def up(self) -> None:
        """`docker compose up`; when it fails the test does, with the last lines of those that are not healthy."""
        done = self.run("docker", "compose", "up", "--detach", "--build", "--wait")
        if done.returncode:
            sick = [service(each) for each in self.containers() if not is_well(each["State"])]
            lines = self.docker("compose", "logs", "--tail", "30", *sick) if sick else ""
            pytest.fail(
                f"docker compose up ended with {done.returncode}, not well: {sick}\n{done.stderr[-2000:]}\n{lines}"
            )

    @contextlib.contextmanager
    def running(self) -> Iterator["ComposeStack"]:
        """Up on entry; stopped and removed on exit, with its data and its image."""
        try:
            # Not `spans up`: a person may also just type this.
            self.up()
            yield self
        finally:
            self.remove()

    def remove(self) -> None:
        """What `make clean` does; nothing of the project may be left."""
        docker.remove(self.settings)
        project = self.settings.project
        mine = ("--quiet", "--filter", f"label=com.docker.compose.project={project}")
        left = {kind: self.docker(kind, "ls", *mine).split() for kind in ("container", "volume", "network")}
        left["image"] = self.docker("image", "ls", "--quiet", f"{project}-*").split()
        assert not any(left.values()), f"make clean leaves this: {left}"

    def containers(self) -> list[dict[str, Any]]:
        """What `docker inspect` says of each container, also of the one that has done its work."""
        ids = self.docker("compose", "ps", "--all", "--quiet").split()
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", *ids))
        return found


def service(container: dict[str, Any]) -> str:
    """The service in docker-compose.yml that a container belongs to."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def is_well(state: dict[str, Any]) -> bool:
    """Whether a container runs and is healthy where it is asked, or has ended well."""
    if state["Status"] == "running":
        return bool(state.get("Health", {}).get("Status", "healthy") == "healthy")
    return (state["Status"], state["ExitCode"]) == ("exited", 0)


def without_engine() -> None:
    """Skip and say why; where REQUIRE_DOCKER is set, as in continuous integration, fail instead."""
    reason = machine.docker_missing()
    if reason and os.environ.get("REQUIRE_DOCKER"):
        pytest.fail(f"REQUIRE_DOCKER is set, but {reason}")
    if reason:
        pytest.skip(reason)


@contextlib.contextmanager
def cache_image() -> Iterator[None]:
    """The cache's image is there. Where it neither is nor can be pulled a stand-in has its name, until the exit."""
    label = '{{index .Config.Labels "slow-checkout.stand-in"}}'
    there = ask("image", "inspect", "--format", label, CACHE_IMAGE)
    # A stand-in from a run that was killed is none to keep.
    official = not there.returncode and there.stdout.strip() != "yes"
    if official or not ask("pull", "--quiet", CACHE_IMAGE).returncode:
        yield
        return
    folder = str(ROOT / "tests/compose/valkey")
    built = ask("build", "--tag", CACHE_IMAGE, "--label", "slow-checkout.stand-in=yes", folder)
    if built.returncode:
        pytest.fail(f"{CACHE_IMAGE} can neither be pulled nor stood in for:\n{built.stdout}{built.stderr}")
    try:
        yield
    finally:
        ask("image", "rm", CACHE_IMAGE)


def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`docker …`, whatever comes of it."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """The stack, with the index as `make up` leaves it: missing."""
    without_engine()
    project = os.environ.get("COMPOSE_PROJECT_NAME") or f"slow-checkout-test-{os.getpid()}"
    chosen = ComposeStack(
        tmp_path_factory.mktemp("state"), runtime="docker", compose_project_name=project, seed_movements=MOVEMENTS
    )
    with cache_image(), chosen.running():
        yield chosen
