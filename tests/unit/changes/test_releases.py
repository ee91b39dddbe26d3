"""Releases: patches against today's code."""

import subprocess
import sys
from pathlib import Path

import pytest
from unidiff.patch import PatchSet

from workshop.changes import patching
from workshop.changes.kinds import Release
from workshop.stack.errors import StackError
from workshop.stack.settings import ROOT, Settings

PATCHES = sorted(ROOT.glob("workshop/**/*.patch"))
CODE = "".join(f"line {number}\n" for number in range(1, 21))
PATCH = """--- a/order/app.py
+++ b/order/app.py
@@ -9,3 +9,4 @@
 line 9
-line 10
+line ten
+and a half
 line 11
"""


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_release_fits_today_s_code(path: Path, settings: Settings) -> None:
    """Every hunk of every patch finds its place, what comes out is Python, and it is not what was there before."""
    release = Release(service=path.stem, name=path.parent.name, patch=path.relative_to(ROOT).as_posix())
    folder = patching.make(settings, release)
    for name in patching.patched(ROOT, patching.PACKAGES[path.stem], path):
        text = (folder / name).read_text()
        compile(text, name, "exec")
        assert not (ROOT / name).exists() or text != (ROOT / name).read_text()


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_release_is_imported_in_front_of_the_real_package(path: Path, settings: Settings) -> None:
    """From the folder of the project, too, in which `python -m` would look first."""
    release = Release(service=path.stem, name=path.parent.name, patch=path.relative_to(ROOT).as_posix())
    folder, package = patching.make(settings, release), patching.PACKAGES[path.stem]
    environment = {"PYTHONPATH": f"{folder}:{ROOT}", "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", f"import {package}; print({package}.__file__)"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(folder / package / "__init__.py")


def applied(code: str) -> str:
    """The patch above on this code."""
    (file,) = PatchSet(PATCH)
    return patching.apply(file, code, Path("x.patch"))


@pytest.mark.parametrize("before", ["", "# a comment\n" * 3])
def test_a_hunk_moves_along_with_the_code(before: str) -> None:
    """Lines that came before it do not matter."""
    assert applied(before + CODE) == before + CODE.replace("line 10\n", "line ten\nand a half\n")


@pytest.mark.parametrize("code", [CODE.replace("line 11", "line eleven"), "x\n" + CODE + CODE, ""])
def test_a_hunk_that_does_not_fit_is_named(code: str) -> None:
    """Where the code has changed, and where it is not clear which place is meant."""
    with pytest.raises(
        StackError, match=r"hunk 1 of x\.patch does not fit order/app\.py any more \(@@ -9,3 \+9,4 @@\)"
    ):
        applied(code)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PATCH.replace("order/app.py", "common/errors.py"), "changes or adds files of its package"),
        (PATCH.replace("order/app.py", "order/../common/errors.py"), "changes or adds files of its package"),
        ("nothing\n", "changes nothing"),
        ("--- a/order/app.py\n+++ b/order/app.py\n@@ -1,9 +1,9 @@\n x\n", "cannot be read as a unified diff"),
        (PATCH.replace("order/app.py", "order/gone.py"), "is not there any more"),
    ],
)
def test_a_patch_that_is_none_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """Before anything is copied, with the reason."""
    (tmp_path / "x.patch").write_text(text)
    with pytest.raises(StackError, match=told):
        patching.patched(ROOT, "order", tmp_path / "x.patch")


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("inventory", "nope"),
        ("inventory", "../../releases/n-plus-one"),
        ("provider", "n-plus-one"),
        ("", ""),
        ("order", "n-plus-one"),
    ],
)
def test_a_release_that_is_not_there_is_refused(service: str, name: str) -> None:
    """With those that are."""
    with pytest.raises(StackError, match=r"there is no release|has no releases"):
        patching.named(service, name)


def test_the_copy_is_made_anew_when_the_patch_is_another(settings: Settings, tmp_path: Path) -> None:
    """And left alone when nothing has changed: a process runs from it."""
    release = patching.named("inventory", "n-plus-one")
    folder = patching.make(settings, release)
    first = (folder / "inventory").stat().st_ino
    assert (patching.make(settings, release) / "inventory").stat().st_ino == first
    (folder / "made-of").write_text("something else")
    assert (patching.make(settings, release) / "inventory").stat().st_ino != first
