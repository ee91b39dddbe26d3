"""Checkouts of a test's own, and the namespaces in which a machine is another one to whoever is in there."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from workshop.stack.first_run import install
from workshop.stack.local import processes
from workshop.stack.local.scratch import free_ports
from workshop.stack.settings import ROOT, Settings

Done = subprocess.CompletedProcess[str]
# What the commands of a session say when they did what they should.
MARKS = "201 ", "longest leg", "Created the index", "invariants hold", "Everything is stopped"
# What a newcomer types, with all that it prints; it ends at the first command that fails, and leaves nothing running.
SESSION = """
spans() { sh "$ROOT/workshop/spans.sh" "$@"; }
session() {
    for each in up checkout trace fix "audit --settle 30" down; do
        spans $each || { code=$?; spans down; exit $code; }
    done
}
"""


class Checkout:
    """A copy of this checkout's files, with ports of its own and a small ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".run"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        names = [name for name in Settings.model_fields if name.endswith("_port")]
        ports = zip(names, free_ports(len(names)), strict=True)
        lines = ["RUNTIME=local", "SEED_MOVEMENTS=60000", *(f"{name.upper()}={port}" for name, port in ports)]
        (folder / ".env").write_text("\n".join(lines) + "\n")
        # The installer finds uv, which may be in this checkout's .venv only.
        self.programs = folder.parent / "programs"
        self.programs.mkdir(exist_ok=True)
        if uv := install.find_uv():
            (self.programs / "uv").unlink(missing_ok=True)
            shutil.copy(uv, self.programs / "uv")
        settings = [name.upper() for name in Settings.model_fields]
        kept = {name: value for name, value in os.environ.items() if name not in settings}
        self.environment = {**kept, "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}", "ROOT": str(folder)}

    def sh(self, script: str, within: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> Done:
        """Run a script that knows `spans` and `session`, after `within`; what it printed and its exit code."""
        return subprocess.run(
            [*within, "sh", "-c", SESSION + script],
            env={**self.environment, **(variables or {})},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=300,
        )

    def living(self) -> int:
        """The processes that are this checkout's."""
        return len(processes.leftovers(self.state))


@pytest.fixture
def checkout() -> Iterator[Callable[[str], Checkout]]:
    """Makes a checkout in a folder of this name; stopped and removed on exit."""
    made: list[Checkout] = []

    def make(name: str = "checkout") -> Checkout:
        made.append(Checkout(folder / name))
        return made[-1]

    # No tmp_path: the folders around that are closed to other users again by every pytest that starts.
    folder = Path(tempfile.mkdtemp(prefix="slow-checkout-test-"))
    folder.chmod(0o755)
    yield make
    for each in made:
        processes.end_all(each.state)
        # By sh, whatever a test has done to its Python.
        each.sh('sh "$ROOT/workshop/stack/local/rescue.sh" "$ROOT" clean')
    shutil.rmtree(folder)


def allowed(*within: str) -> tuple[str, ...]:
    """The command, if this machine lets anyone run something after it; the test is skipped otherwise."""
    try:
        done = subprocess.run([*within, "true"], capture_output=True, text=True, check=False)
        told = "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"
    except OSError as error:
        told = str(error)
    if told:
        pytest.skip(f"this machine does not allow `{' '.join(within[:2])} …`: {told}")
    return within
