"""Docker or local: which one a start takes, and what is said about it."""

from pathlib import Path

import pytest

from workshop.stack import machine, runtime
from workshop.stack.errors import StackError
from workshop.stack.settings import Running, Settings

HALF = "the docker client is there, but no engine answers it"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a checkout in which nothing is up."""
    monkeypatch.delenv("RUNTIME", raising=False)
    return Settings(_env_file=None, state_folder=str(tmp_path))  # type: ignore[call-arg]


def docker_is(monkeypatch: pytest.MonkeyPatch, missing: str | None) -> None:
    """Let Docker lack this."""
    monkeypatch.setattr(machine, "docker_missing", lambda: missing)


@pytest.mark.parametrize(
    ("wanted", "missing", "chosen"),
    [
        ("auto", None, "docker"),
        ("auto", HALF, "local"),
        ("auto", machine.NO_DOCKER, "local"),
        ("local", None, "local"),
    ],
)
def test_choice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, wanted: str, missing: str | None, chosen: str
) -> None:
    """Docker where it works, unless told otherwise."""
    docker_is(monkeypatch, missing)
    assert runtime.choose(settings.model_copy(update={"runtime": wanted})) == chosen


def test_half_a_docker_is_mentioned(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person who has Docker should know why it is not used; one without it need not be told."""
    docker_is(monkeypatch, HALF)
    runtime.choose(settings)
    assert HALF in capsys.readouterr().err
    docker_is(monkeypatch, machine.NO_DOCKER)
    runtime.choose(settings)
    assert capsys.readouterr().err == ""


def test_docker_that_was_asked_for_must_be_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """RUNTIME=docker does not fall back in silence."""
    docker_is(monkeypatch, HALF)
    with pytest.raises(StackError, match=r"RUNTIME is docker, which cannot be used: .*RUNTIME=local"):
        runtime.choose(settings.model_copy(update={"runtime": "docker"}))


def test_what_is_up_decides(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second `make up` stays with the runtime of the first, and does not start the other beside it."""
    docker_is(monkeypatch, None)
    monkeypatch.setattr(runtime, "what_is_up", lambda settings: "local")
    assert runtime.choose(settings) == "local"
    with pytest.raises(StackError, match="the local runtime is up: make down first"):
        runtime.choose(settings.model_copy(update={"runtime": "docker"}))


def test_a_note_of_a_stack_that_is_gone_counts_for_nothing(settings: Settings) -> None:
    """After a power cut the note is still there, and the processes are not."""
    Running(settings).write("local", settings)
    assert runtime.what_is_up(settings) is None


def test_changed_settings_are_told(settings: Settings) -> None:
    """They have no effect on what runs."""
    Running(settings).write("local", settings)
    now = settings.model_copy(update={"seed_movements": 7, "runtime": "local"})
    assert runtime.changed(now) == [f"SEED_MOVEMENTS ({settings.seed_movements}, now 7)"]


def test_what_is_in_the_data_needs_new_data(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """A password and a seed are written when the data is made: another start does not change them."""
    Running(settings).write("local", settings)
    runtime.tell_changed(settings.model_copy(update={"seed_movements": 7, "gateway_port": 9090}))
    told = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in told] == [
        "These settings take effect after make down and make up",
        "These settings take effect after make clean, which removes the data, and make up",
    ]


def test_the_engine_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A client that hangs counts as no engine."""
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\nexec sleep 60\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(machine, "ENGINE_SECONDS", 0.2)
    missing = machine.docker_missing()
    assert missing is not None
    assert "no engine answers" in missing


def test_an_engine_without_compose_is_no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both halves are needed."""
    client = tmp_path / "docker"
    client.write_text('#!/bin/sh\n[ "$1" = info ] && echo 28.0\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    missing = machine.docker_missing()
    assert missing is not None
    assert "without Compose" in missing
