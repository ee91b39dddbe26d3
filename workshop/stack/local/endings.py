"""How a process ended, in words: supervisord's own say nothing of a signal, and the kernel kills without one."""

import re
from collections import Counter

from workshop.stack import control_group
from workshop.stack.local.limits import MEGABYTE, MEMORY
from workshop.stack.settings import Settings

ENDED = re.compile(r"exited: (\S+) \(terminated by (SIG\w+)")
STARTED = re.compile(r"supervisord started with pid")
ENOUGH = f"{MEMORY // MEGABYTE} MB are enough"


def end_of(settings: Settings, name: str, told: str) -> str:
    """How a process ended that supervisord tells `told` of."""
    signals = [number for process, number in signalled(settings) if process == name]
    if not signals or "-1" not in told:
        return told
    if signals[-1] != "SIGKILL":
        return f"it was ended by {signals[-1]}"
    return f"it was killed (SIGKILL), {whom()}"


def whom() -> str:
    """Who kills without a word: the kernel, of which the control group tells, where there is one."""
    if control_group.kills():
        room = control_group.room("memory")
        most = f" of {room.limit // MEGABYTE} MB" if room else ""
        return f"by the kernel, for want of memory: this control group's limit{most} was reached. {ENOUGH}"
    return f"as the kernel does when memory is short: make doctor tells how much is free, {ENOUGH}"


def note_kills(settings: Settings, pid: int | str = "self") -> None:
    """Write down how many the kernel has killed before the start: those are not of this system."""
    settings.state.mkdir(parents=True, exist_ok=True)
    (settings.state / "kills-before").write_text(str(control_group.kills(pid)))


def killed(settings: Settings, pid: int) -> str | None:
    """What the kernel has killed of this system since its start, for want of memory; None when it has not.

    `pid` is supervisord's. A kill of somebody else (`make chaos`) is none of the kernel's.
    """
    try:
        before = int((settings.state / "kills-before").read_text())
    except (OSError, ValueError):
        before = 0
    names = Counter(name for name, number in signalled(settings) if number == "SIGKILL")
    if control_group.kills(pid) <= before or not names:
        return None
    them = ", ".join(f"{name} {_times(count)}" for name, count in names.most_common())
    room = control_group.room("memory", pid)
    limit = f" of {room.limit // MEGABYTE} MB" if room else ""
    group = f"this container, or control group{limit}"
    return f"for want of memory the kernel kills processes of {group}: {them}. {ENOUGH}"


def signalled(settings: Settings) -> list[tuple[str, str]]:
    """The processes that a signal has ended since supervisord's start, with its name."""
    try:
        told = (settings.logs / "supervisord.log").read_text(errors="replace")
    except OSError:
        return []
    return ENDED.findall(STARTED.split(told)[-1])


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
