"""The runtime without Docker: supervisor runs the processes on this machine."""

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from workshop.stack import control_group, database, machine, ports
from workshop.stack.errors import StackError
from workshop.stack.first_run.environment import way_out
from workshop.stack.interrupts import undisturbed
from workshop.stack.local import endings, limits, processes, supervisor
from workshop.stack.log_files import last_lines, readable
from workshop.stack.screen import complain, say, waiting
from workshop.stack.services import BY_NAME, STOPPED_LAST, Service, here, not_ready
from workshop.stack.settings import ROOT, Running, Settings

# How long a start may take: prepare reports its progress and is not timed.
READY_SECONDS = 90.0
# And that of what no checkout needs, once the rest is ready.
NOT_NEEDED_SECONDS = 10.0
STOP_SECONDS = 30.0
# What the kernel kills is started again; after so many it would go on like that.
HOPELESS_KILLS = 3
DIED = ("BACKOFF", "EXITED", "FATAL", "UNKNOWN")


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """One start or stop of this checkout at a time; the lock dies with its process."""
    settings.state.mkdir(parents=True, exist_ok=True)
    with (settings.state / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Waiting for another command that starts or stops this checkout.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def up(settings: Settings) -> None:
    """Start what does not run, and come back when all of it is ready; nothing is left running otherwise."""
    with alone(settings):
        if supervisor.states(settings):
            # Whatever goes wrong now, what is up stays up.
            processes.resume(settings.state)
            if not all_ready(settings):
                start_all(settings)
            return
        clear_the_way(settings)
        try:
            supervisor.start(settings)
            start_all(settings)
        except BaseException:
            with undisturbed():
                with contextlib.suppress(OSError):
                    say("Stopping what was started.")
                stop(settings, patience=10)
            raise


def clear_the_way(settings: Settings) -> None:
    """End what an earlier run left; StackError when there is no room, or a port is taken."""
    found = processes.end_all(settings.state)
    if found:
        say(f"Ended {found} processes that an earlier run left behind.")
    processes.unlock_postgres(settings.state)
    if settings.postgres_bin and not (Path(settings.postgres_bin) / "postgres").is_file():
        raise StackError(f"POSTGRES_BIN is {settings.postgres_bin!r}, and there is no postgres in it")
    ports.check(settings, ports.LOCAL)
    if told := limits.impossible():
        raise StackError(told)
    for told in limits.scarce():
        complain(told)
    endings.note_kills(settings)
    check_disk(settings, postgres("--check", settings))
    Running(settings).write("local", settings)


def check_disk(settings: Settings, data: str) -> None:
    """StackError when the ledger would not fit: some 250 bytes a row with its log, and room to breathe."""
    needed = 200_000_000
    if not (settings.state / "seeded").exists():
        needed += settings.seed_movements * 250
    # For root the data lies elsewhere, and that may be another disk.
    for folder in (settings.state, Path(data)):
        free = machine.free_disk(folder)
        if free < needed:
            raise StackError(
                f"{free // 1_000_000} MB are free in {folder}, {needed // 1_000_000} MB are needed: "
                f"make room, or have fewer SEED_MOVEMENTS ({way_out('SEED_MOVEMENTS')})"
            )


def postgres(what: str, settings: Settings) -> str:
    """What services/postgres/server.py says when it is told `--check` or `--remove`; StackError when it refuses."""
    command = [sys.executable, "-P", "-m", "services.postgres.server", what]
    done = subprocess.run(
        command, cwd=ROOT, env=supervisor.environment(settings), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StackError(done.stderr.strip() or done.stdout.strip())
    return done.stdout.strip()


def start_all(settings: Settings) -> None:
    """Start the processes in order and wait for each to be ready."""
    began = time.monotonic()
    for service in here():
        if not service.waits_for_prepare:
            supervisor.start_process(settings, service.name)
    with waiting("waiting for PostgreSQL") as show:
        wait_for_postgres(settings, began, show)
    processes.note_data_folder(settings.state)
    prepare(settings)
    for service in here():
        supervisor.start_process(settings, service.name)
    wait_until_ready(settings, began)


def all_ready(settings: Settings) -> bool:
    """Whether every process runs and is ready."""
    running = running_pids(settings)
    return (
        all(service.name in running and not_ready(service, settings) is None for service in here())
        and database.not_ready(settings) is None
    )


def running_pids(settings: Settings) -> dict[str, int]:
    """The pid of each process that runs."""
    now = supervisor.states(settings)
    return {name: int(info["pid"]) for name, info in now.items() if info["statename"] == "RUNNING"}


def wait_for_postgres(settings: Settings, began: float, show: object) -> None:
    """Come back when PostgreSQL takes statements; StackError when it died or takes too long."""
    while (reason := database.not_ready(settings)) is not None:
        check_alive(settings, {"postgres": BY_NAME["postgres"]})
        if "authentication failed" in reason:
            raise StackError(
                "PostgreSQL refuses the password: its data was made with another POSTGRES_PASSWORD. "
                "Set that one again, or make clean, which removes the data"
            )
        if time.monotonic() - began > READY_SECONDS:
            raise StackError(f"PostgreSQL is not ready: {reason}\n{tail(settings, 'postgres')}")
        time.sleep(0.1)
    say(f"  {'postgres':13} ready  {time.monotonic() - began:4.1f} s")


def prepare(settings: Settings) -> None:
    """Make roles, databases and tables, and fill them: seconds the first time, nothing to do later."""
    command = [sys.executable, "-P", "-m", "services.postgres.prepare"]
    with undisturbed():
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=supervisor.environment(settings),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        code = process.wait()
    except BaseException:
        with undisturbed():
            processes.end(processes.tree(process.pid))
        raise
    if code:
        how = f"killed {endings.whom()}" if code == -signal.SIGKILL else f"exit code {code}, its words are above"
        raise StackError(f"the databases could not be prepared ({how})\n{tail(settings, 'postgres')}")
    (settings.state / "seeded").touch()


def wait_until_ready(settings: Settings, began: float) -> None:
    """Come back when every process that a checkout needs is ready; StackError when one died or takes too long.

    What it does not need is waited for a little, and told of when it does not come.
    """
    pending = {service.name: service for service in here() if service.name != "postgres"}
    reasons: dict[str, str] = {}
    patience = READY_SECONDS
    kills = control_group.kills()
    with waiting(waiting_for(pending)) as show:
        while pending and time.monotonic() - began < patience:
            if control_group.kills() - kills >= HOPELESS_KILLS:
                raise StackError(f"{', '.join(pending)}: killed while starting, {endings.whom()}")
            needed = {name: service for name, service in pending.items() if service.needed}
            now = check_alive(settings, needed)
            for name, service in list(pending.items()):
                reason = why_not_ready(service, str(now.get(name, {}).get("statename")), settings)
                if reason is None:
                    del pending[name]
                    say(f"  {name:13} ready  {time.monotonic() - began:4.1f} s")
                else:
                    reasons[name] = reason
            if not needed and all(now[name]["statename"] in DIED for name in pending):
                break
            if not any(service.needed for service in pending.values()):
                patience = min(patience, time.monotonic() - began + NOT_NEEDED_SECONDS)
            show(waiting_for(pending))
            time.sleep(0.1 if pending else 0)
    for name, service in pending.items():
        if service.needed:
            raise StackError(f"{name} {reasons[name]} after {READY_SECONDS:.0f} s\n{tail(settings, name)}")
        complain(f"{name} is not ready: {reasons[name]}. No checkout needs it.\n{tail(settings, name)}")


def why_not_ready(service: Service, state: str, settings: Settings) -> str | None:
    """Why a process in this state of supervisor's is not ready; None when it is."""
    if state == "RUNNING" or (state == "STARTING" and service.probed):
        return not_ready(service, settings)
    return "it died while it started" if state in DIED else "is being started"


def waiting_for(pending: dict[str, Service]) -> str:
    """`waiting for gateway, order`."""
    return f"waiting for {', '.join(pending)}"


def check_alive(settings: Settings, services: dict[str, Service]) -> dict[str, dict[str, object]]:
    """supervisor's view of the processes; StackError with its last words when one of `services` died."""
    now = supervisor.states(settings)
    if not now:
        raise StackError(f"supervisord has ended or does not answer, see {settings.logs / 'supervisord.log'}")
    for name in services:
        if now[name]["statename"] in DIED:
            how = endings.end_of(settings, name, str(now[name]["spawnerr"]))
            raise StackError(f"{name} died while it started: {how}\n{tail(settings, name)}")
    return now


def tail(settings: Settings, name: str, lines: int = 12) -> str:
    """The last lines of a process's log, and where the rest is."""
    path = settings.logs / f"{name}.log"
    parts = [part for line in last_lines(path, lines) for part in readable(line).splitlines()]
    return "\n".join([f"The last lines of {path}:", *(f"  {part}" for part in parts)])


def stop(settings: Settings, patience: float = STOP_SECONDS) -> bool:
    """Stop everything, in order where that is possible; True when something was running."""
    pid = supervisor.answers(settings)
    if pid is not None:
        # Programs that were added by a change, too.
        names = [name for name in supervisor.states(settings) if name not in STOPPED_LAST]
        supervisor.stop_processes(settings, names, patience)
        supervisor.stop_processes(settings, list(STOPPED_LAST), patience)
        supervisor.shut_down(settings)
        wait_gone(pid, 5)
    found = processes.end_all(settings.state)
    left = processes.leftovers(settings.state)
    if left:
        names = [processes.describe(process) for process in left]
        raise StackError(f"these processes could not be ended: {', '.join(names)}")
    supervisor.socket_path(settings.state).unlink(missing_ok=True)
    Running(settings).forget()
    return pid is not None or found > 0


def wait_gone(pid: int, seconds: float) -> None:
    """Wait until a process has ended, or for so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            # Our own child would stay a zombie until it is asked after.
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
        time.sleep(0.05)


def remove(settings: Settings) -> None:
    """Remove the data: PostgreSQL's, which for root lies elsewhere, then the state folder."""
    postgres("--remove", settings)
    remove_folder(settings.state)


def remove_folder(folder: Path) -> None:
    """Remove a folder and what is in it; a mount point is emptied. StackError names what could not be removed."""
    if folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if error.errno == errno.EBUSY and folder.is_mount() and not any(folder.iterdir()):
                return
            raise StackError(f"{error.filename} could not be removed: {error.strerror}") from None
