"""What a container's limits do, without one: a quota of CPU time in each period, and an end for too much memory.

The kernel lets a control group run until it has used its quota, then freezes it for the rest of the period of 100 ms
(https://docs.kernel.org/scheduler/sched-bwc.html). So does this: SIGSTOP, and SIGCONT when the next period begins.
"""

import argparse
import os
import signal
import time

import psutil

from workshop.stack.errors import StackError
from workshop.stack.local import processes, supervisor
from workshop.stack.settings import Settings, current

PERIOD_SECONDS = 0.1
LOOK_SECONDS = 0.004


class Limited:
    """One program's processes, as long as it is the same ones."""

    def __init__(self, pid: int) -> None:
        self.members = processes.tree(pid)

    def used(self) -> float:
        """CPU seconds that they have used so far; psutil.Error when one is gone."""
        return sum(times.user + times.system for times in (each.cpu_times() for each in self.members))

    def memory(self) -> int:
        """Bytes of memory that they have in use."""
        return sum(each.memory_info().rss for each in self.members)

    def send(self, number: int) -> None:
        """Send all of them a signal."""
        for each in self.members:
            try:
                each.send_signal(number)
            except psutil.Error:
                continue


def period(limited: Limited, cpus: float | None, debt: float) -> float:
    """One period: freeze the processes when their quota is used up; CPU seconds that they have had too many."""
    ends = time.monotonic() + PERIOD_SECONDS
    if cpus is None:
        time.sleep(PERIOD_SECONDS)
        return 0.0
    quota, before = cpus * PERIOD_SECONDS - debt, limited.used()
    used = 0.0
    try:
        while time.monotonic() < ends:
            used = limited.used() - before
            if used >= quota:
                limited.send(signal.SIGSTOP)
                time.sleep(max(0.0, ends - time.monotonic()))
                break
            time.sleep(LOOK_SECONDS)
    finally:
        limited.send(signal.SIGCONT)
    return max(0.0, used - quota)


def run(settings: Settings, name: str, cpus: float | None, memory: int | None) -> None:
    """Hold a program to its limits until this process is ended; whatever is frozen then goes on."""
    pid, limited, debt = 0, None, 0.0
    while True:
        now = supervisor.states(settings).get(name, {}).get("pid") if limited is None else pid
        if not now:
            time.sleep(PERIOD_SECONDS)
            continue
        if limited is None or now != pid:
            pid, limited, debt = int(now), Limited(int(now)), 0.0
            found_at = time.monotonic()
        try:
            debt = period(limited, cpus, debt)
            if memory is not None and limited.memory() > memory:
                # As the kernel does it: the largest, without a word.
                max(limited.members, key=lambda each: each.memory_info().rss).kill()
                print(f"{name} took more than {memory // 1_000_000} MB and was killed", flush=True)
                limited = None
        except psutil.Error:
            limited = None
        # A worker that was started since is another process.
        if limited is not None and time.monotonic() > found_at + 1:
            limited.members, found_at = processes.tree(pid), time.monotonic()
            limited = limited if limited.members else None


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--cpus", type=float)
    parser.add_argument("--memory-mb", type=int)
    given = parser.parse_args()
    if "STATE" not in os.environ:
        raise StackError("this is run by supervisord")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(current(), given.program, given.cpus, given.memory_mb * 1_000_000 if given.memory_mb else None)
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
