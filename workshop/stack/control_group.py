"""What the kernel's control group allows this system, where it is in one: a container, a service, a share of a machine.

Linux only, its version 1 and 2; elsewhere, and where nothing is limited, None. Python's own library only.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
MOUNTED = Path("/sys/fs/cgroup")
# Version 1 has no word for "no limit" of memory but a number that no machine has.
NO_LIMIT = 1 << 60
# For each resource the files of a limit and of what is used, in version 2 and in version 1.
FILES = {
    "memory": (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")),
    "pids": (("pids.max", "pids.current"),),
}
# Of what is used, what only caches files: it is given up when it is needed.
CACHED = (r"^total_inactive_file (\d+)$", r"^inactive_file (\d+)$")


class Room(NamedTuple):
    """The tightest limit of a resource, and what is left of it: bytes of memory, or processes with their threads."""

    limit: int
    free: int


def room(resource: str, pid: int | str = "self") -> Room | None:
    """What a process's group, or one that it is in, allows of "memory" or "pids"; None when it is not limited."""
    found = [each for folder in _folders(resource, pid) if (each := _room_in(folder, resource)) is not None]
    return min(found, default=None)


def kills(pid: int | str = "self") -> int:
    """How many processes of a process's group the kernel has killed for want of memory, since there is the group."""
    for folder in _folders("memory", pid):
        for name in ("memory.events", "memory.oom_control"):
            if (told := _number(folder / name, r"^oom_kill (\d+)$")) is not None:
                return told
    return 0


def _room_in(folder: Path, resource: str) -> Room | None:
    """What one group allows."""
    for limit_name, used_name in FILES[resource]:
        limit = _number(folder / limit_name, r"^(\d+)$")
        if limit is not None and limit < NO_LIMIT:
            used = _number(folder / used_name, r"^(\d+)$") or 0
            cached = next(filter(None, (_number(folder / "memory.stat", pattern) for pattern in CACHED)), 0)
            return Room(limit, max(0, limit - used + (cached if resource == "memory" else 0)))
    return None


def _folders(resource: str, pid: int | str) -> Iterator[Path]:
    """The folders of a process's group and of those that it is in, from the inside out."""
    try:
        lines = (PROC / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and resource not in controllers.split(","):
            continue
        # In a container the path may be the one outside, of which nothing is here but the end of it, the root.
        inside = Path(path.lstrip("/"))
        for root in (MOUNTED / resource,) if controllers else (MOUNTED, MOUNTED / "unified"):
            yield from (root / each for each in (inside, *inside.parents) if (root / each).is_dir())


def _number(path: Path, pattern: str) -> int | None:
    """The number that the pattern finds in a file; None when there is no such file, or no number in it."""
    try:
        found = re.search(pattern, path.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None
