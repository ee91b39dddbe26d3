"""Installs the locked packages into .venv, then runs `spans`: workshop/spans.sh calls it when that is needed.

Python's own library only, because nothing else is there yet.
"""

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from workshop.stack.first_run import environment, obstacles, sources

ROOT = Path(__file__).resolve().parents[3]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = ROOT / ".run" / "logs" / "install.log"
# There while packages are being installed. uv takes a package for installed before all its files are there, so after an
# interruption it must install all of them again.
UNFINISHED = ROOT / ".run" / "installing"
# Fetched when there is no uv on PATH, or only one too old to read our lock.
UV_PINNED = (0, 13, 9)
UV_OLDEST = (0, 9, 0)
# Beside pyproject.toml's default groups.
GROUPS: dict[str, list[str]] = {"run": [], "dev": ["dev"]}


class InstallError(Exception):
    """The packages could not be installed; the message says why and what to do."""


def main(packages: str, wanted: str, arguments: list[str]) -> NoReturn:
    """Install `packages` ("run" or "dev"), leave `wanted` as the mark of it, and become `spans arguments`."""
    environment.clean_up()
    obstacles.speak_anyhow()
    signal.signal(signal.SIGTERM, interrupt)
    try:
        if told := obstacles.of_folder() or obstacles.of_machine():
            raise InstallError(told)
        stamp = VENV / f"installed-{packages}"
        LOG.parent.mkdir(parents=True, exist_ok=True)
        with only_one():
            # Another `make` may have done it while this one waited.
            done = stamp.exists() and stamp.read_text().strip() == wanted and usable()
            if not done:
                install(GROUPS[packages])
                stamp.write_text(wanted + "\n")
    except KeyboardInterrupt:
        print("\ninterrupted: the next command goes on with the installation", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        print(f"error: {obstacles.told(error)}", file=sys.stderr)
        sys.exit(1)
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    if taken := [name for names in environment.ignored().values() for name in names]:
        os.environ[environment.TAKEN_OUT] = " ".join(taken)
    os.execv(PYTHON, [str(PYTHON), "-I", "-m", "workshop.cli", *arguments])


def interrupt(signum: int, frame: FrameType | None) -> None:
    """SIGTERM ends an installation as Ctrl-C does."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two `make` at once install one after the other. The lock dies with its process."""
    with (ROOT / ".run" / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Waiting for another command that is installing the packages.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(groups: list[str]) -> None:
    """Bring .venv to what uv.lock says; whatever an interrupted installation left is completed."""
    started = time.monotonic()
    LOG.write_text("")
    if VENV.exists() and not usable():
        shutil.rmtree(VENV, ignore_errors=VENV.is_mount())
    uv = find_uv() or fetch_uv()
    arguments = ["sync", "--frozen", "--inexact", "--no-progress"]
    if UNFINISHED.exists():
        arguments.append("--reinstall")
    for group in groups:
        arguments += ["--group", group]
    UNFINISHED.touch()
    run(
        "Installing the Python packages",
        [uv, *arguments],
        UV_PYTHON=str(PYTHON if usable() else sys.executable),
    )
    UNFINISHED.unlink()
    name_this_folder()
    start_alone()
    print(f"The Python packages are installed in .venv ({time.monotonic() - started:.0f} s).", flush=True)


def name_this_folder() -> None:
    """Have Python find this checkout in any locale: 3.11 reads a .pth file in the locale's encoding, or not at all."""
    for path in VENV.glob("lib/python*/site-packages/slow_checkout.pth"):
        folder = path.read_bytes().strip()
        if not folder.isascii():
            path.write_text(f"import os, sys; sys.path.append(os.fsdecode({folder!r}))\n", encoding="ascii")


def start_alone() -> None:
    """Have .venv/bin/spans start a Python that no variable of the person's is meant for, as make does."""
    for program in VENV.glob("bin/spans"):
        program.unlink()
        program.write_text(
            f"#!/bin/sh\n# {program}: as make runs it\nunset __PYVENV_LAUNCHER__\n"
            f'exec {shlex.quote(str(PYTHON))} -I -m workshop.cli "$@"\n',
            encoding="utf-8",
        )
        program.chmod(0o755)


def usable() -> bool:
    """Whether .venv has a Python that runs, and was made in this folder: scripts in it hold its path."""
    if not PYTHON.exists() or subprocess.run([PYTHON, "-c", ""], capture_output=True, check=False).returncode:
        return False
    scripts = [VENV / "bin" / name for name in ("spans", "pip", "supervisord")]
    return all(f"{VENV}/" in script.read_text() for script in scripts if script.exists())


def find_uv() -> str | None:
    """The uv on PATH, or the one an earlier run put into .venv; None when neither is new enough."""
    for candidate in (shutil.which("uv"), str(VENV / "bin" / "uv")):
        if candidate and Path(candidate).exists():
            answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False).stdout
            version = re.search(r"(\d+)\.(\d+)\.(\d+)", answer)
            if version and tuple(map(int, version.groups())) >= UV_OLDEST:
                return candidate
    return None


def fetch_uv() -> str:
    """Make .venv with pip and let that fetch uv: some hundred packages then take seconds."""
    has_pip = (
        PYTHON.exists() and not subprocess.run([PYTHON, "-m", "pip", "-V"], capture_output=True, check=False).returncode
    )
    if not has_pip:
        shutil.rmtree(VENV, ignore_errors=True)
        if subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True, check=False).returncode:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise InstallError(
                f"{sys.executable} cannot make virtual environments, its module ensurepip is missing: "
                f"apt install python{version}-venv (Debian, Ubuntu), or install uv "
                "(https://docs.astral.sh/uv/), then run this again"
            )
        run("Making the virtual environment .venv", [sys.executable, "-m", "venv", str(VENV)])
    version = ".".join(map(str, UV_PINNED))
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"uv=={version}"]
    run("Fetching uv, which installs the rest", pip)
    return str(VENV / "bin" / "uv")


def run(what: str, command: list[str], **variables: str) -> None:
    """Run a command with its output in the log and the seconds shown; InstallError when it fails."""
    # A uv.toml or a pip.conf that changes what is installed, or where, is left out; where from, the person says.
    variables = {"UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON_DOWNLOADS": "never"} | variables
    variables = cache() | environment.cleaned(os.environ) | sources.variables(LOG.parent.parent / "config") | variables
    with LOG.open("a") as log:
        # In a session of its own: on Ctrl-C it is stopped here, with whatever it started.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            show_seconds(what, process)
        except BaseException:
            stop(process)
            raise
    if process.returncode:
        last = "\n  ".join(LOG.read_text(errors="replace").strip().splitlines()[-8:])
        raise InstallError(
            f"{what} failed (exit code {process.returncode}). The last lines of {LOG.relative_to(ROOT)}:\n  {last}\n"
            "When the package index cannot be reached, check the network or the proxy settings, then run this again."
        )


def cache() -> dict[str, str]:
    """Where downloads are kept: as usual, or in the checkout for a user whose home cannot be written."""
    # A user without a line in /etc/passwd, in a shell without HOME, has no home at all.
    home = sources.home()
    kept = os.environ.get("XDG_CACHE_HOME") or (home and home / ".cache")
    folder = Path(kept) if kept else None
    while folder and not folder.exists():
        folder = folder.parent
    if folder and os.access(folder, os.W_OK):
        return {}
    own = ROOT / ".run" / "cache"
    return {"UV_CACHE_DIR": str(own / "uv"), "PIP_CACHE_DIR": str(own / "pip")}


def show_seconds(what: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for the process; the seconds count up on a terminal, a line now and then elsewhere."""
    started, told = time.monotonic(), 0.0
    terminal = sys.stdout.isatty()
    print(f"{what} …", end="" if terminal else "\n", flush=True)
    while process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
        seconds = time.monotonic() - started
        if terminal:
            print(f"\r{what} … {seconds:.0f} s", end="", flush=True)
        elif seconds - told >= 5:
            told = seconds
            print(f"{what} … {seconds:.0f} s", flush=True)
    if terminal:
        print(flush=True)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children: kindly, then after 3 s for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
