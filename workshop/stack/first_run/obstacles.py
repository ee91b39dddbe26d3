"""What keeps a folder, or a user, from running the system at all, as sentences that say what to do.

Asked before anything is installed. Python's own library only.
"""

import errno
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROC = Path("/proc/self/stat")
BELONGS = "run make as that one (sudo make clean, if it was root), or clone into a folder of your own"
# What the programs that are started here take for something else: PATH, supervisord's file, a line of a list.
IMPOSSIBLE = {":": "a colon", "%": "a percent sign", '"': "a quotation mark", "\n": "a line break", "\\": "a backslash"}


def of_folder(root: Path = ROOT) -> str | None:
    """Why nothing can be installed or run in this folder; None when it can."""
    wrong = [name for character, name in IMPOSSIBLE.items() if character in str(root)]
    if wrong:
        return f"the folder's path has {' and '.join(wrong)} in it ({root}): move the checkout to a plain one"
    if not root.exists():
        return None
    if noexec(root):
        return (
            f"{root} is on a file system from which no program may be run (mounted noexec), and the packages hold "
            "programs: clone into another folder, your home for example"
        )
    return None


def noexec(path: Path) -> bool:
    """Whether the file system forbids to run programs."""
    return bool(os.statvfs(path).f_flag & getattr(os, "ST_NOEXEC", 8))


def of_machine() -> str | None:
    """Why nothing can be started, or stopped, on this machine; None when it can."""
    if sys.platform == "linux" and not PROC.exists():
        return "there is no /proc here, by which processes are found: mount it (mount -t proc proc /proc)"
    return None


def told(error: OSError) -> str:
    """What the system has refused, why, and what to do."""
    where = f" ({os.fsdecode(error.filename)})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full, or your share of it{where}: make room, make doctor tells how much is needed"
    if error.errno == errno.EROFS:
        return f"nothing can be written here, the file system is mounted read-only{where}: clone into another folder"
    return refused(error) if isinstance(error, PermissionError) else str(error)


def refused(error: PermissionError) -> str:
    """What is behind a refusal, and what to do."""
    if not error.filename:
        return str(error)
    path = Path(os.fsdecode(error.filename))
    there = path if path.is_absolute() else Path.cwd() / path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    try:
        owner, forbidden = there.lstat().st_uid, noexec(there)
    except OSError:
        return f"{path} may not be used: {error.strerror}"
    if owner != os.geteuid() and os.geteuid():
        return f"{path} belongs to another user: {BELONGS}"
    if forbidden:
        return of_folder(there if there.is_dir() else there.parent) or f"{path}: {error.strerror}"
    return (
        f"{path} may not be used ({error.strerror}), though it is yours: look at its rights (ls -ld), and its mount's"
    )


def speak_anyhow() -> None:
    """A terminal that is not UTF-8 gets a question mark for what it has no letter for, and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
