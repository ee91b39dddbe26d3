"""What the machine allows, and what it did: told in words, before or after."""

import resource
from pathlib import Path

import pytest

from workshop.stack.local import limits
from workshop.stack.settings import Settings

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def allowed(monkeypatch: pytest.MonkeyPatch, limit: tuple[int, int]) -> None:
    """Let an ordinary user have this limit of everything."""
    monkeypatch.setattr(resource, "getrlimit", lambda which: limit)
    monkeypatch.setattr("os.geteuid", lambda: 1000)


def test_too_few_files_are_told_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """supervisord would end with a sentence about minfds; it raises the soft limit by itself."""
    allowed(monkeypatch, (128, 128))
    assert "may open 128 files here, 256 are needed: raise the limit (ulimit -n 1024)" in str(limits.files_missing())
    for enough in ((128, 4096), UNLIMITED):
        allowed(monkeypatch, enough)
        assert limits.files_missing() is None


def test_too_few_threads_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """At rest they are enough; under load half of the checkouts would fail."""
    allowed(monkeypatch, (220, 220))
    assert "may have 220 threads" in str(limits.threads_scarce())
    allowed(monkeypatch, UNLIMITED)
    assert limits.threads_scarce() is None


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ("oom 1\noom_kill 2\n", "for want of memory: this control group's limit of 400 MB"),
        ("oom_kill 0\n", "make doctor"),
    ],
)
def test_a_kill_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: str, told: str) -> None:
    """supervisord says `Bad exit code -1`; its log has the signal, and the control group the reason."""
    settings = Settings(_env_file=None, state_folder=str(tmp_path))  # type: ignore[call-arg]
    settings.logs.mkdir()
    (settings.logs / "supervisord.log").write_text("WARN exited: order (terminated by SIGKILL; not expected)\n")
    values = {"memory.events": events, "memory.max": "400000000\n"}
    monkeypatch.setattr(limits, "CGROUP", tmp_path)
    own = Path("/proc/self/cgroup").read_text().strip().rpartition(":")[2].lstrip("/")
    for name, text in values.items():
        (tmp_path / own).mkdir(parents=True, exist_ok=True)
        (tmp_path / own / name).write_text(text)
    assert told in limits.end_of(settings, "order", "Bad exit code -1")
    assert limits.end_of(settings, "payment", "Bad exit code 3") == "Bad exit code 3"
