"""What the machine allows: too little is told in words, before anything is started."""

import resource

import pytest

from workshop.stack import control_group
from workshop.stack.local import limits

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user on a machine that limits nothing."""
    allow(monkeypatch)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert limits.impossible() is None
    assert limits.scarce() == []


def allow(
    monkeypatch: pytest.MonkeyPatch,
    of_process: dict[int, tuple[int, int]] | None = None,
    of_group: dict[str, tuple[int, int]] | None = None,
) -> None:
    """Let the machine have these limits, soft and hard, and the control group these, with what is free of them."""
    groups = {name: control_group.Room(*room) for name, room in (of_group or {}).items()}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (of_process or {}).get(which, UNLIMITED))
    monkeypatch.setattr(control_group, "room", lambda name, pid="self": groups.get(name))


@pytest.mark.parametrize(
    ("which", "most", "told"),
    [
        (resource.RLIMIT_NOFILE, 128, "may open 128 files here, 256 are needed: raise the limit (ulimit -n 1024)"),
        (resource.RLIMIT_AS, 400 * MEGABYTE, "400 MB of addresses here, 4000 are needed: raise the limit (ulimit -v"),
        (resource.RLIMIT_FSIZE, MEGABYTE, "1 MB in a file here, 1100 are needed: raise the limit (ulimit -f"),
        (resource.RLIMIT_NPROC, 220, "may have 220 threads, and the services take 400 to start: raise the limit (uli"),
    ],
)
def test_too_little_for_a_process(monkeypatch: pytest.MonkeyPatch, which: int, most: int, told: str) -> None:
    """Each limit of the shell is told with the command that raises it."""
    allow(monkeypatch, {which: (most, most)})
    assert told in str(limits.impossible())


def test_supervisord_raises_the_number_of_files_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as it may."""
    allow(monkeypatch, {resource.RLIMIT_NOFILE: (128, 4096)})
    assert limits.impossible() is None


@pytest.mark.parametrize(
    ("name", "most", "told"),
    [
        ("memory", 400 * MEGABYTE, "may use 400 MB of memory: too few to start"),
        ("pids", 220, "may have 220 threads, and the services take 400 to start: give it 1200 (--pids-limit)"),
    ],
)
def test_too_little_for_a_container(monkeypatch: pytest.MonkeyPatch, name: str, most: int, told: str) -> None:
    """Its limits bind root, too."""
    allow(monkeypatch, of_group={name: (most, most)})
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert told in str(limits.impossible())


def test_what_is_reached_under_load_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts, and whoever reads knows why checkouts fail later."""
    groups = {"memory": (900 * MEGABYTE, 600 * MEGABYTE), "pids": (500, 450)}
    allow(monkeypatch, {resource.RLIMIT_NPROC: (430, 430)}, groups)
    assert limits.impossible() is None
    memory, user, group = limits.scarce()
    assert "may use 900 MB of memory, 600 MB of it free: the kernel kills" in memory
    assert "this user may have 430 threads, and the services take up to 600 under load" in user
    assert "this container, or control group, may have 450 threads" in group


def test_root_is_not_bound_by_its_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel asks everybody else."""
    allow(monkeypatch, {resource.RLIMIT_NPROC: (220, 220)})
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert limits.impossible() is None
