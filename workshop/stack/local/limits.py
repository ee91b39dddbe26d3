"""What the machine allows this user's processes, and what it did to one that asked for too much."""

import os
import re
import resource
from pathlib import Path

from workshop.stack.settings import Settings

# supervisord.conf asks for as many (minfds); a service holds two for each of its clients.
FILES = 256
# The processes at rest have some 100 threads, and under load each service has 64 more.
THREADS = 600
ENDED = re.compile(r"exited: (\S+) \(terminated by (SIG\w+)")
CGROUP = Path("/sys/fs/cgroup")


def files_missing() -> str | None:
    """Why supervisord could not start for want of files; None when it can."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most in (resource.RLIM_INFINITY, -1) or most >= FILES:
        return None
    return (
        f"a process may open {most} files here, {FILES} are needed: raise the limit (ulimit -n 1024) and make up again"
    )


def threads_scarce() -> str | None:
    """A warning for a limit that is reached under load; None when there is none, or for root, whom it does not bind."""
    most = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if not os.geteuid() or most in (resource.RLIM_INFINITY, -1) or most >= THREADS:
        return None
    return (
        f"this user may have {most} threads, and the services take up to {THREADS} under load: checkouts fail then. "
        f"Raise the limit (ulimit -u {2 * THREADS}), then make down and make up"
    )


def end_of(settings: Settings, name: str, told: str) -> str:
    """How a process ended, in words: supervisord's own say nothing of a signal."""
    try:
        lines = (settings.logs / "supervisord.log").read_text(errors="replace")
    except OSError:
        return told
    signals = [number for process, number in ENDED.findall(lines) if process == name]
    if not signals or "-1" not in told:
        return told
    if signals[-1] != "SIGKILL":
        return f"it was ended by {signals[-1]}"
    return f"it was killed (SIGKILL), {whom()}"


def whom() -> str:
    """Who kills without a word: the kernel, of which the control group tells, where there is one."""
    killed, most = _number("memory.events", "oom_kill"), _number("memory.max", "")
    if killed:
        room = f" of {most // 1_000_000} MB" if most else ""
        return f"by the kernel, for want of memory: this control group's limit{room} was reached. 1000 MB are enough"
    return "as the kernel does when memory is short: make doctor tells how much is free, 1000 MB are enough"


def _number(name: str, key: str) -> int:
    """A number in a file of this process's control group; 0 when there is none."""
    try:
        own = Path("/proc/self/cgroup").read_text().strip().rpartition(":")[2].lstrip("/")
        text = (CGROUP / own / name).read_text()
    except OSError:
        return 0
    found = re.search(rf"^{key} ?(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0
