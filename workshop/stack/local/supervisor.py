"""Starts supervisord for this checkout and talks to it."""

import contextlib
import glob
import hashlib
import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

from workshop.stack.errors import StackError
from workshop.stack.first_run.environment import cleaned
from workshop.stack.interrupts import undisturbed
from workshop.stack.local import processes, valkey
from workshop.stack.settings import ROOT, Running, Settings

# A socket's path holds 103 bytes on macOS, 107 on Linux; supervisord adds a dot and its pid while it makes it.
LONGEST_SOCKET = 90
# What a call raises when supervisord is not there, or no longer.
GONE = (OSError, http.client.HTTPException, xmlrpc.client.Error)


def socket_path(state: Path) -> Path:
    """Where supervisord listens: a socket, because its file's mode keeps other users out, as no port could.

    In the state folder, or for a deep one in this user's own folder in /tmp.
    """
    path = state / "supervisor.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    temporary = tempfile.gettempdir()
    # macOS's own is some fifty bytes deep, and private; /tmp is everyone's, so the folder's owner is checked.
    folder = Path(temporary if len(temporary) <= 50 else "/tmp", f"slow-checkout-{os.getuid()}")  # noqa: S108
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise StackError(f"{folder} must be a folder that only you can use: remove it, then run this again")
    return folder / f"{hashlib.sha256(os.fsencode(state)).hexdigest()[:16]}.sock"


def environment(settings: Settings) -> dict[str, str]:
    """What supervisord.conf, and so every process, finds in its environment."""
    venv = str(Path(sys.executable).parent)
    jaeger = shutil.which("jaeger")
    no_proxy = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1,localhost"]))
    own = cleaned(os.environ)
    return own | {
        **{name: value for name, value in settings.variables().items() if value},
        processes.MARKER: str(settings.state),
        "STATE": str(settings.state),
        "MORE_PROGRAMS": more_programs(settings),
        "SECRETS_FOLDER": str(settings.state / "secrets"),
        "STACK_ID": Running(settings).id(),
        "SUPERVISOR_SOCKET": str(socket_path(settings.state)),
        "POSTGRES_URL": settings.database_url("postgres", "postgres"),
        "ORDERS_DATABASE_URL": settings.database_url("orders", "orders"),
        "INVENTORY_DATABASE_URL": settings.database_url("inventory", "inventory"),
        "JAEGER_COMMAND": real_jaeger(jaeger, settings) if jaeger else "python -m services.jaeger",
        **cache(settings),
        # Services call one another directly, whatever proxy leads to the world.
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PATH": f"{venv}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def more_programs(settings: Settings) -> str:
    """The pattern of the files with programs that were added since; supervisord takes a space for the end of one."""
    return re.sub(r"\s", "?", glob.escape(str(settings.state / "changes"))) + "/*.conf"


def real_jaeger(program: str, settings: Settings) -> str:
    """The command line of the real Jaeger: the settings that it has in Docker, listening on this machine only."""
    listen = {
        "receivers.otlp.protocols.http": settings.otlp_http_port,
        "extensions.jaeger_query.http": settings.jaeger_port,
        "extensions.jaeger_query.grpc": 0,
        "extensions.healthcheckv2.http": 0,
    }
    words = [program, "--config", "services/jaeger/jaeger.yaml"]
    words += [f"--set={part}.endpoint=127.0.0.1:{number}" for part, number in listen.items()]
    return shlex.join(words)


def cache(settings: Settings) -> dict[str, str]:
    """The command line of the cache's program, and its URL; without a program the services know of no cache."""
    program = valkey.program()
    if program is None:
        return {"VALKEY_COMMAND": "valkey-server", "CACHE_URL": ""}
    listen = ("--bind", "127.0.0.1", "--port", str(settings.valkey_port))
    command = shlex.join([program, "services/valkey/valkey.conf", *listen])
    return {"VALKEY_COMMAND": command, "CACHE_URL": f"redis://127.0.0.1:{settings.valkey_port}/0"}


def start(settings: Settings) -> None:
    """Start supervisord, which starts nothing by itself; StackError when it does not answer."""
    settings.logs.mkdir(parents=True, exist_ok=True)
    socket_path(settings.state).unlink(missing_ok=True)
    out = settings.logs / "supervisord.out"
    # In a session of its own, so that a Ctrl-C here does not reach the services.
    with out.open("w") as output, undisturbed():
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(ROOT / "supervisord.conf")],
            cwd=ROOT,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + 15
    while answers(settings) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            last = out.read_text(errors="replace").strip() or "nothing was printed"
            raise StackError(f"supervisord did not start: {last}\nIts log: {settings.logs / 'supervisord.log'}")
        time.sleep(0.05)


def answers(settings: Settings) -> int | None:
    """The pid of this checkout's supervisord; None when none answers. PermissionError when it is another user's."""
    try:
        with client(settings) as proxy:
            return int(str(proxy.supervisor.getPID()))
    except PermissionError as error:
        raise PermissionError(error.errno, error.strerror, str(socket_path(settings.state))) from None
    except GONE:
        return None


def states(settings: Settings) -> dict[str, dict[str, Any]]:
    """What supervisord knows of each process (statename, pid, start, now); empty when it does not answer."""
    try:
        with client(settings) as proxy:
            found: Any = proxy.supervisor.getAllProcessInfo()
    except GONE:
        return {}
    return {info["name"]: info for info in found}


def start_process(settings: Settings, name: str) -> None:
    """Start a process and do not wait for it; nothing happens to one that runs."""
    try:
        with client(settings) as proxy:
            proxy.supervisor.startProcess(name, False)
    except xmlrpc.client.Fault as fault:
        # SPAWN_ERROR: it ended before supervisord had looked. It is tried again, and who waits sees how that ends.
        if "ALREADY_STARTED" not in fault.faultString and "SPAWN_ERROR" not in fault.faultString:
            raise StackError(f"{name} could not be started: {fault.faultString}") from None
    except GONE:
        raise StackError(f"supervisord has ended, see {settings.logs / 'supervisord.log'}") from None


def reread(settings: Settings) -> None:
    """Have supervisord read its file again, and those of added programs; StackError when it cannot. Nothing starts."""
    try:
        with client(settings) as proxy:
            proxy.supervisor.reloadConfig()
    except xmlrpc.client.Fault as fault:
        raise StackError(f"supervisord cannot read its file: {fault.faultString}") from None
    except GONE:
        raise StackError(f"supervisord has ended, see {settings.logs / 'supervisord.log'}") from None


def add(settings: Settings, name: str) -> None:
    """Start a program that `reread` has found; StackError when it has not."""
    try:
        with client(settings) as proxy:
            proxy.supervisor.addProcessGroup(name)
    except xmlrpc.client.Fault as fault:
        raise StackError(f"{name} could not be added: {fault.faultString}") from None


def remove(settings: Settings, name: str, patience: float) -> None:
    """Stop a program, within `patience` seconds, and forget it; nothing happens to one that is not there."""
    stop_processes(settings, [name], patience)
    with contextlib.suppress(*GONE), client(settings) as proxy:
        proxy.supervisor.removeProcessGroup(name)


def stop_processes(settings: Settings, names: list[str], patience: float) -> None:
    """Stop processes, all at once; come back when they have ended, or after `patience` seconds."""
    with contextlib.suppress(*GONE), client(settings) as proxy:
        for name in names:
            # Not running is what is wanted.
            with contextlib.suppress(xmlrpc.client.Fault):
                proxy.supervisor.stopProcess(name, False)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        now = states(settings)
        if not any(now.get(name, {}).get("statename") in ("STOPPING", "RUNNING", "STARTING") for name in names):
            return
        time.sleep(0.05)


def shut_down(settings: Settings) -> None:
    """End supervisord itself, and whatever still runs under it."""
    pid = answers(settings)
    if pid is None:
        return
    try:
        with client(settings) as proxy:
            proxy.supervisor.shutdown()
    except GONE:
        os.kill(pid, signal.SIGTERM)


def client(settings: Settings) -> xmlrpc.client.ServerProxy:
    """supervisord's XML-RPC interface on its socket."""
    return xmlrpc.client.ServerProxy("http://supervisor", transport=SocketTransport(str(socket_path(settings.state))))


class SocketTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket; a call that takes over 10 s fails."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """The connection for this proxy's calls, the same for all of them; the proxy closes it."""
        connection = self._connection[1] or SocketConnection(self.path)
        self._connection = host, connection
        return connection


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        try:
            self.sock.connect(self.path)
        except OSError:
            self.close()
            raise
