"""What a container or a control group allows, read as the kernel tells it in both its versions."""

from pathlib import Path

import pytest

from workshop.stack import control_group

HALF = 500_000_000


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose control groups a test writes."""
    monkeypatch.setattr(control_group, "PROC", tmp_path / "proc")
    monkeypatch.setattr(control_group, "MOUNTED", tmp_path / "cgroup")
    return tmp_path


def write(kernel: Path, membership: str, **groups: dict[str, str]) -> None:
    """Put this process into groups; a folder's name has `__` for a slash."""
    (kernel / "proc" / "self").mkdir(parents=True)
    (kernel / "proc" / "self" / "cgroup").write_text(membership)
    for folder, files in groups.items():
        path = kernel / "cgroup" / folder.replace("__", "/")
        path.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (path / name.replace("__", ".")).write_text(text)


def test_version_two_with_a_limit_further_out(kernel: Path) -> None:
    """The tightest limit counts, whichever group has it, and what only caches files is free."""
    inner = {"memory__max": "max\n", "memory__events": "oom 1\noom_kill 4\n"}
    outer = {
        "memory__max": f"{HALF}\n",
        "memory__current": "300000000\n",
        "pids__max": "220\n",
        "pids__current": "20\n",
    }
    outer["memory__stat"] = "anon 5\ninactive_file 100000000\n"
    write(kernel, "0::/user.slice/app.scope\n", **{"user.slice": outer, "user.slice__app.scope": inner})
    assert control_group.room("memory") == (HALF, 300_000_000)
    assert control_group.room("pids") == (220, 200)
    assert control_group.kills() == 4


def test_version_one(kernel: Path) -> None:
    """Each resource has a tree of its own; no limit is a number that no machine has."""
    group = {"memory__limit_in_bytes": f"{HALF}\n", "memory__usage_in_bytes": f"{HALF}\n"}
    group["memory__oom_control"] = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
    everyone = {"memory__limit_in_bytes": "9223372036854771712\n"}
    write(kernel, "8:pids:/\n4:memory:/box\n0::/\n", memory=everyone, memory__box=group, pids={"pids__max": "max\n"})
    assert control_group.room("memory") == (HALF, 0)
    assert control_group.room("pids") is None
    assert control_group.kills() == 2


@pytest.mark.parametrize("membership", ["0::/docker/4711\n", "4:memory:/docker/4711\n"])
def test_in_a_container_the_path_is_the_one_outside(kernel: Path, membership: str) -> None:
    """What is here of it is the root alone."""
    write(kernel, membership, memory={"memory__limit_in_bytes": f"{HALF}\n"}, **{"": {"memory__max": f"{HALF}\n"}})
    assert control_group.room("memory") == (HALF, HALF)


def test_no_control_group_is_no_limit(kernel: Path) -> None:
    """macOS, and a machine where nobody limited anything."""
    assert control_group.room("memory") is None
    assert control_group.kills() == 0
    write(kernel, "0::/\n")
    assert control_group.room("memory") is None
