"""The settings: their file, their errors, what is remembered of a running stack."""

from pathlib import Path

import pytest

from services.postgres.seed import MOST_PRODUCTS
from workshop.stack import settings as module
from workshop.stack.errors import StackError
from workshop.stack.settings import ROOT, Running, Settings, format_value, load, unknown_variables


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person who runs the tests may have set some."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """A `.env` to write to."""
    return tmp_path / ".env"


def test_example_lists_every_setting_with_its_default_and_its_help() -> None:
    """`.env.example` says what the code says, in the same order."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    found = [(line, lines[n - 1]) for n, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    expected = [
        (f"{name.upper()}={format_value(field.default)}", f"# {field.description}")
        for name, field in Settings.model_fields.items()
    ]
    assert found == expected


def test_example_can_be_used_as_it_is() -> None:
    """Copying the example changes nothing."""
    assert load(ROOT / ".env.example") == load(Path("nothing"))


def test_environment_wins_over_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable for one command is stronger than `.env`, and `.env` than the default."""
    env_file.write_text("GATEWAY_PORT=9000\nORDER_PORT=9001\n")
    monkeypatch.setenv("ORDER_PORT", "9002")
    found = load(env_file)
    assert (found.gateway_port, found.order_port) == (9000, 9002)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("GATEWAY_PORT=80x", "GATEWAY_PORT is '80x'"),
        ("GATEWAY_PORT=70000", "GATEWAY_PORT is '70000'"),
        ("RUNTIME=podman", "RUNTIME is 'podman'"),
        ("SEED_MOVEMENTS=-1", "SEED_MOVEMENTS is '-1'"),
        ("POSTGRES_PASSWORD=a b", "POSTGRES_PASSWORD is 'a b'"),
        ("ORDER_PORT=8080", "GATEWAY_PORT and ORDER_PORT are both 8080"),
        (f"SEED_PRODUCTS={MOST_PRODUCTS + 1}", f"SEED_PRODUCTS is '{MOST_PRODUCTS + 1}'"),
        ("SEED_MOVEMENTS=49999", "some would be out of stock"),
    ],
)
def test_error_names_variable_and_value(env_file: Path, line: str, said: str) -> None:
    """A wrong value is told with the name that the person wrote."""
    env_file.write_text(line + "\n")
    with pytest.raises(StackError) as caught:
        load(env_file)
    assert said in str(caught.value)


@pytest.mark.parametrize("line", [f"SEED_PRODUCTS={MOST_PRODUCTS}\nSEED_MOVEMENTS=61380", "SEED_MOVEMENTS=50000"])
def test_what_can_be_seeded_is_accepted(env_file: Path, line: str) -> None:
    """As many products as there are names, and a ledger in which each has stock."""
    env_file.write_text(line + "\n")
    load(env_file)


def test_a_file_in_another_encoding_is_told(env_file: Path) -> None:
    """Latin-1 from an old editor."""
    env_file.write_bytes("POSTGRES_PASSWORD=gehäuse\n".encode("latin-1"))
    with pytest.raises(StackError, match="is not UTF-8"):
        load(env_file)


def test_a_line_that_is_none_is_told(env_file: Path) -> None:
    """It would otherwise be ignored in silence, or told in another program's words."""
    env_file.write_text("GATEWAY_PORT=9000\nORDER_PORT='9001\n")
    assert unknown_variables(env_file) == [".env: line 2 is not NAME=value"]


@pytest.mark.parametrize("text", ["Docker", "LOCAL", "auto"])
def test_runtime_may_be_written_in_any_case(env_file: Path, text: str) -> None:
    """`RUNTIME=Docker` is what it looks like."""
    env_file.write_text(f"RUNTIME={text}\n")
    assert load(env_file).runtime == text.lower()


def test_a_slip_in_a_name_is_told_with_the_nearest_one(env_file: Path) -> None:
    """A misspelt variable would otherwise be ignored in silence."""
    env_file.write_text("GATWAY_PORT=9000\nCOMPOSE_FILE=x\nORDER_PORT=9001\n")
    assert unknown_variables(env_file) == [".env: GATWAY_PORT is not a setting, did you mean GATEWAY_PORT?"]


def test_two_checkouts_have_two_docker_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's name comes from the folder, unless it is set."""
    names = []
    for folder in ("/one/slow-checkout", "/two/slow-checkout"):
        monkeypatch.setattr(module, "ROOT", Path(folder))
        names.append(Settings(_env_file=None).project)  # type: ignore[call-arg]
    assert names[0] != names[1]
    names.append(Settings(_env_file=None, state_folder="/elsewhere").project)  # type: ignore[call-arg]
    assert names[2] not in names[:2]
    assert all(name.startswith("slow-checkout-") for name in names)
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "mine")
    assert Settings(_env_file=None).project == "mine"  # type: ignore[call-arg]


def test_current_settings_are_those_of_the_running_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that was given to `make up` alone is known to the commands that follow."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))
    monkeypatch.setenv("GATEWAY_PORT", "9123")
    started = load()
    note = Running(started)
    note.write("local", started)
    monkeypatch.delenv("GATEWAY_PORT")
    assert module.current().gateway_port == 9123
    note.forget()
    assert module.current().gateway_port != 9123


def test_the_note_of_a_running_stack_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password is in it."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))
    started = load()
    Running(started).write("local", started)
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0
