"""The secret that the services which charge and reserve know of each other: made once, kept beside the data."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

NAME = "service_secret"


def make(folder: Path) -> bool:
    """Make the secret in the folder, readable by this user alone; False when it is there.

    The file comes with its content, whoever is killed, and whoever else makes it at the same time: the first one stays.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / NAME).exists():
        return False
    handle, half = tempfile.mkstemp(dir=folder)  # its mode is 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(half, folder / NAME)
            return True
        return False
    finally:
        Path(half).unlink()
