"""Reading log lines back: of one trace, from rotated files and from containers."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workshop.logs import log_lines
from workshop.logs import reading as logs
from workshop.stack import runtime
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings, current

TRACE = "5ca1ab1e" * 4
OTHER = "0ddba11c" * 4
SECOND = "2026-11-24T10:31:{:06.3f}+00:00"

Write = Callable[..., str]


def line(second: float, service: str, message: str, trace_id: str = TRACE, **more: object) -> str:
    """A line as common.logs writes it."""
    ids = {"trace_id": trace_id, "span_id": "a" * 16} if trace_id else {}
    entry = {"time": SECOND.format(second), "service": service, "level": "INFO", "message": message}
    return json.dumps(entry | ids | more) + "\n"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, with an empty folder for logs."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))
    (tmp_path / "logs").mkdir()
    return tmp_path


def test_a_traces_lines_come_from_every_service_in_order(state: Path) -> None:
    """Rotated files count, other traces and what is no JSON do not."""
    (state / "logs" / "gateway.log.1").write_text("Traceback …\n" + line(1.0, "gateway", "begins"))
    (state / "logs" / "gateway.log").write_text(line(3.0, "gateway", "ends") + line(3.1, "gateway", "no", OTHER))
    (state / "logs" / "order.log").write_text(line(2.0, "order", "works") + f"half a line with {TRACE}\n")
    found = logs.lines_of_trace(TRACE)
    assert [(each.service, each.message) for each in found] == [
        ("gateway", "begins"),
        ("order", "works"),
        ("gateway", "ends"),
    ]


def test_lines_between_two_times(state: Path) -> None:
    """Both ends count; lines outside of traces are there, too."""
    text = "".join(line(second, "order", str(second), "") for second in (1, 2, 3, 4))
    (state / "logs" / "order.log").write_text(text)
    start = 1_795_516_260.0  # 10:31:00
    found = logs.lines_between(current(), ["order"], start + 2, start + 3)
    assert [each.message for each in found] == ["2", "3"]


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "3", '{"time": "x"}', '{"time": 3, "service": "a"}'])
def test_what_our_services_do_not_write_is_no_line(text: str) -> None:
    """It is left out, not an error."""
    assert log_lines.parse(text) is None


@pytest.mark.parametrize(
    ("text", "is_id"),
    [(TRACE, True), (TRACE.upper(), True), ("a" * 16, True), ("a" * 17, True), ("order", False), ("", False)],
)
def test_an_id_is_told_from_a_service(text: str, is_id: bool) -> None:
    """So many hex digits are meant as an id, also when one was lost on the way."""
    assert logs.is_trace_id(text) == is_id


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that writes down its arguments and prints the file `answer`; it fails without one."""
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\ncat "{tmp_path}/answer" || exit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def docker_is_up(settings: Settings) -> str:
        return "docker"

    monkeypatch.setattr(runtime, "what_is_up", docker_is_up)
    return tmp_path


def test_with_docker_the_containers_are_asked(state: Path, docker: Path) -> None:
    """By Compose, without its prefixes and only as far back as needed."""
    (docker / "answer").write_text(line(2.0, "order", "second") + "plain\n" + line(1.0, "gateway", "first"))
    assert [each.message for each in logs.lines_of_trace(TRACE, since=1_795_516_260.0)] == ["first", "second"]
    asked = (docker / "asked").read_text()
    assert "logs --no-color --no-log-prefix --since 2026-11-24T10:31:00+00:00" in asked


def test_a_docker_that_fails_is_told(state: Path, docker: Path) -> None:
    """With the command and its reason."""
    with pytest.raises(StackError, match=r"docker compose .* failed: .*answer"):
        logs.lines_of_trace(TRACE)
