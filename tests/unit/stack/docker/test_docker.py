"""The runtime with Docker, with a client in Docker's place that answers what a test wants."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from workshop.shop import ledger
from workshop.stack import lifecycle, runtime, status
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.local.scratch import ScratchStack
from workshop.stack.settings import Running, Settings, current

CLIENT = """#!/bin/sh
echo "$@" >> {folder}/asked
[ -e {folder}/away ] && echo "Cannot connect to the Docker daemon" >&2 && exit 1
[ -e {folder}/refuses ] && [ "$1" = compose ] && [ "$2" != version ] && cat {folder}/refuses >&2 && exit 1
case "$*" in
  *config*--services*) printf 'gateway\\npostgres\\nprepare\\n'; cat {folder}/more ;;
  *" up "*) [ ! -e {folder}/fails ] ;;
  *" logs "*) echo "the words of $8" ;;
  *" ps "*--format\\ json*) cat {folder}/containers ;;
  ps*working_dir*) cat {folder}/projects ;;
  "info "*) echo 28.0 ;;
esac
"""
RUNNING = {"Service": "gateway", "State": "running", "Health": "healthy", "Status": "Up 5 minutes (healthy)"}
STOPPED = {"Service": "postgres", "State": "exited", "ExitCode": 0, "Status": "Exited (0) 1 minute ago"}
PREPARED = {**STOPPED, "Service": "prepare"}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the client finds its answers, and notes what it was asked."""
    folder = tmp_path / "client"
    folder.mkdir()
    (folder / "docker").write_text(CLIENT.format(folder=folder))
    (folder / "docker").chmod(0o755)
    for name in ("containers", "projects", "asked", "more"):
        (folder / name).touch()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def settings(client: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a checkout that was started with Docker."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "mine")
    monkeypatch.setattr(lifecycle, "ROOT", tmp_path)  # whatever `clean` does, it is not done to this checkout
    chosen = current()
    Running(chosen).write("docker", chosen)
    docker.remember(chosen)
    return chosen


def there_are(client: Path, *containers: Mapping[str, object]) -> None:
    """Let the client tell of these containers."""
    (client / "containers").write_text("".join(json.dumps(each) + "\n" for each in containers))


def test_status_tells_what_has_ended_and_what_is_missing(
    client: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only `prepare` is meant to end, however well another did."""
    there_are(client, RUNNING, STOPPED, PREPARED)
    assert {row[0]: row[-1] for row in status.docker_rows(settings)} == {
        "gateway": "yes",
        "postgres": "no: exited",
        "prepare": "done",
    }
    there_are(client, RUNNING, PREPARED)
    assert [row[-1] for row in status.docker_rows(settings)] == ["yes", "no: make up makes it", "done"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("Up 5 minutes (healthy)", "5 minutes"),
        ("Up About a minute (health: starting)", "a minute"),
        ("Up 2 hours", "2 hours"),
        ("Exited (137) 3 days ago", ""),
    ],
)
def test_how_long_a_container_has_been_up(status: str, told: str) -> None:
    """As Docker says it; not how long ago it was made."""
    assert docker.up_for({"Status": status}) == told


def show_status() -> bool:
    """`make status`."""
    return status.status({"index": ledger.state_in_words})


def test_an_engine_that_has_gone_is_told_and_forgets_nothing(client: Path, settings: Settings) -> None:
    """What runs there must still be found when it is back."""
    (client / "away").touch()
    for command in (lambda: runtime.what_is_up(settings), show_status, lifecycle.down):
        with pytest.raises(StackError, match=r"started with Docker .*project mine.*Cannot connect"):
            command()
    with pytest.raises(StackError, match="data in Docker, which cannot be used now"):
        lifecycle.clean()
    assert Running(settings).read() is not None
    assert docker.remembered(settings) == ["mine"]


def test_a_compose_that_refuses_is_not_called_an_engine_that_is_away(client: Path, settings: Settings) -> None:
    """A setting of its own that it cannot read is its reason, and nothing says that Docker should be started."""
    (client / "refuses").write_text('COMPOSE_PARALLEL_LIMIT must be an integer (found: "abc")\n')
    with pytest.raises(StackError, match=r"`docker compose ps` failed: COMPOSE_PARALLEL_LIMIT must be") as told:
        show_status()
    assert "Start Docker" not in str(told.value)


def test_containers_are_found_without_a_note(client: Path, settings: Settings) -> None:
    """Its folder may have been removed while they ran."""
    Running(settings).forget()
    assert runtime.what_is_up(settings) is None
    (client / "projects").write_text("mine\nmine\n")
    assert runtime.what_is_up(settings) == "docker"
    lifecycle.down()
    assert "compose --project-name mine down" in (client / "asked").read_text()


def test_what_compose_started_by_itself_is_told(client: Path, settings: Settings) -> None:
    """It is another project, so that make would see nothing but ports that are taken."""
    Running(settings).forget()
    (client / "projects").write_text("clone\n")
    for command in (
        lambda: status.status({"index": ledger.state_in_words}),
        lifecycle.down,
        lambda: runtime.check_docker_ports(settings),
    ):
        with pytest.raises(StackError, match=r"set COMPOSE_PROJECT_NAME=clone in \.env"):
            command()


def test_a_second_system_leaves_the_one_in_docker_alone(client: Path, tmp_path: Path) -> None:
    """A measurement beside a person's own: its `down`, whatever became of its `up`, is not for the other."""
    second = ScratchStack(tmp_path / "second")
    (client / "projects").write_text(f"{Settings(_env_file=None).project}\nmine\n")  # type: ignore[call-arg]
    assert runtime.what_is_up(second.settings) is None
    assert not lifecycle.stop(second.settings)
    docker.tell_others(second.settings)
    assert " down" not in (client / "asked").read_text()


def test_another_project_name_does_not_hide_what_is_up(client: Path, settings: Settings) -> None:
    """What was started under the old name is asked for by it, and `clean` takes both names."""
    there_are(client, RUNNING)
    changed = settings.model_copy(update={"compose_project_name": "other"})
    assert runtime.what_is_up(changed) == "docker"
    assert "--project-name mine ps" in (client / "asked").read_text()
    docker.remember(changed)
    assert docker.remembered(changed) == ["mine", "other"]


def test_a_changed_configuration_of_a_container_is_seen(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mounted file has a digest in the environment that the Compose file reads."""
    before = docker.environment(settings)
    monkeypatch.setitem(docker.MOUNTED, "COLLECTOR_CONFIG", "docker-compose.yml")
    after = docker.environment(settings)
    assert {name for name in after if after[name] != before[name]} == {"COLLECTOR_CONFIG"}


def test_a_mistake_in_the_settings_keeps_nobody_from_stopping(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is up has its own settings; only a start needs the new ones."""
    monkeypatch.setenv("GATEWAY_PORT", "abc")
    assert current().project == "mine"
    Running(settings).forget()
    with pytest.raises(StackError, match="GATEWAY_PORT is 'abc'"):
        current()


POSTGRES = {**RUNNING, "Service": "postgres"}
JAEGER = {"Service": "jaeger", "State": "restarting", "ExitCode": 1, "Status": "Restarting (1) 2 seconds ago"}


def test_a_sick_jaeger_does_not_stop_the_shop(
    client: Path, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    """What no checkout needs is told of with its last words, and the rest stays up."""
    (client / "more").write_text("jaeger\ncollector\n")
    (client / "fails").touch()
    there_are(client, RUNNING, POSTGRES, PREPARED, JAEGER)
    docker.up(settings)
    told = capfd.readouterr().out
    assert "jaeger is restarting; no checkout needs it" in told
    assert "the words of jaeger" in told
    assert " down" not in (client / "asked").read_text()


@pytest.mark.parametrize(
    "sick",
    [
        {"Service": "gateway", "State": "created"},
        {**PREPARED, "ExitCode": 1},
        None,
    ],
    ids=["never started", "not prepared", "not built"],
)
def test_a_start_that_fails_is_taken_back(client: Path, settings: Settings, sick: dict[str, object] | None) -> None:
    """What a checkout needs is not there, and will not be."""
    (client / "fails").touch()
    others = [each for each in (RUNNING, POSTGRES, PREPARED) if sick and each["Service"] != sick["Service"]]
    there_are(client, *[{**each, "State": "exited"} for each in others], *([sick] if sick else []))
    with pytest.raises(StackError, match=r"failed with exit code [\s\S]*RUNTIME=local make up starts the same system"):
        docker.up(settings)
    assert "down --remove-orphans" in (client / "asked").read_text()
