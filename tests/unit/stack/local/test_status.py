"""The table of `spans status`."""

from pathlib import Path
from typing import Any

import pytest

from workshop.stack import database, status
from workshop.stack.local import supervisor
from workshop.stack.settings import Settings


@pytest.mark.parametrize(
    ("state", "answers", "told"),
    [
        ("STARTING", True, "yes"),  # a service that a change has just started anew
        ("STARTING", False, "no: it does not answer"),
        ("RUNNING", True, "yes"),
        ("RUNNING", False, "no: it does not answer"),
        ("BACKOFF", True, "no: not running"),  # whoever answers there is somebody else
    ],
)
def test_who_answers_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, answers: bool, told: str
) -> None:
    """For a second after its start supervisord calls a process that answers "starting"."""
    settings = Settings(_env_file=None, state_folder=str(tmp_path))  # type: ignore[call-arg]
    info: dict[str, Any] = {"statename": state, "pid": 7, "start": 100, "now": 101}
    monkeypatch.setattr(supervisor, "states", lambda settings: {"payment": info, "order-worker": info})
    monkeypatch.setattr(status, "not_ready", lambda service, settings: None if answers else "it does not answer")
    monkeypatch.setattr(database, "not_ready", lambda settings: None)
    rows = {row[0]: row for row in status.local_rows(settings)}
    assert rows["payment"][-1] == told
    # The worker listens nowhere: that nothing is wrong with it yet says little.
    assert rows["order-worker"][-1] == ("no: not running" if state == "STARTING" else told)
