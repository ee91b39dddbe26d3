"""As whom PostgreSQL runs, and so where its data may lie. It refuses root, and a user whom /etc/passwd does not know.

Root gives its data to an unprivileged user. Where that cannot be (a container without the capabilities, or with one id
only), and for a user without a name, the server runs in a user namespace of its own (Linux), in which this very user
has another name: to everyone else it is the same user, who reaches its own files.
"""

import ctypes
import os
import pwd
import sys
from pathlib import Path

UNPRIVILEGED_USER = "nobody"
# Where root's data lies, whatever the rights of the checkout's folder are.
SHARED = Path("/var/lib/slow-checkout")
# Of linux/capability.h: CAP_CHOWN, CAP_SETGID, CAP_SETUID.
NEEDED_CAPABILITIES = (1 << 0) | (1 << 6) | (1 << 7)
CLONE_NEWUSER = 0x10000000


def is_root() -> bool:
    """Whether this process has root's id, which in a container need not mean much."""
    return os.geteuid() == 0


def known(uid: int) -> bool:
    """Whether the id has a name."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def gives_away() -> bool:
    """Whether this process is root and may hand files, and itself, over to the unprivileged user."""
    if not is_root():
        return False
    try:
        status = Path("/proc/self/status").read_text()
        mapped = Path("/proc/self/uid_map").read_text()
        uid = pwd.getpwnam(UNPRIVILEGED_USER).pw_uid
    except OSError:  # macOS
        return True
    except KeyError:
        return False
    effective = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    ranges = [tuple(map(int, line.split())) for line in mapped.splitlines()]
    inside = any(first <= uid < first + count for first, _, count in ranges)
    return effective & NEEDED_CAPABILITIES == NEEDED_CAPABILITIES and inside


def shares() -> bool:
    """Whether the data lies in SHARED: for root, unless it can't be written, or nobody else could be given it."""
    if not gives_away():
        return False
    folder = SHARED
    while not folder.exists():
        folder = folder.parent
    # Root may write where the rights forbid it, but not on a file system that is read-only.
    return os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_RDONLY


def become(shared: bool) -> None:
    """Become whom PostgreSQL accepts, for good: its data lies in SHARED, or where only this user may get to.

    SystemExit where that is not possible.
    """
    if shared:
        _give_up_root()
    elif is_root() or not known(os.geteuid()):
        _rename()


def _give_up_root() -> None:
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def _rename() -> None:
    """Enter a user namespace in which this user's id is one that has a name, and is not root's."""
    uid, gid = os.geteuid(), os.getegid()
    who = f"root, which may not become {UNPRIVILEGED_USER} here" if is_root() else f"a user without a name (uid {uid})"
    told = (
        f"PostgreSQL does not run as {who}, and this machine allows no user namespace, which would help: "
        "run make as a user of /etc/passwd (in a container: with --user, or with that file mounted), or use Docker"
    )
    try:
        user = next(each for each in [pwd.getpwnam(UNPRIVILEGED_USER), *pwd.getpwall()] if each.pw_uid)
        _unshare()
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user.pw_uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{user.pw_gid} {gid} 1")
    except (OSError, KeyError, StopIteration, AttributeError):
        raise SystemExit(told) from None


def _unshare() -> None:
    """OSError where there are no user namespaces, or not for us; AttributeError on other systems than Linux."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")


def possible(shared: bool) -> str | None:
    """Why PostgreSQL could not run as this user; None when it can. Tried in a process of its own, which then ends."""
    if shared or (not is_root() and known(os.geteuid())):
        return None
    sys.stdout.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            become(shared=False)
        except SystemExit as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as answer:
        return answer.read().decode() or None
