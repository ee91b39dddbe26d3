"""Lays a release's patch on a copy of the package as it is today."""

import hashlib
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from workshop.changes.kinds import Release
from workshop.stack.errors import StackError
from workshop.stack.settings import ROOT, Settings

# The package that a process runs. The provider is another company's.
PACKAGES = {
    "gateway": "gateway",
    "order": "order",
    "order-worker": "order",
    "inventory": "inventory",
    "payment": "payment",
}
RELEASES = Path(__file__).with_name("releases")


def named(service: str, name: str) -> Release:
    """The release of that name in `releases/`; StackError names those that there are."""
    if service not in PACKAGES:
        raise StackError(f"{service!r} has no releases: {', '.join(PACKAGES)} have")
    patch = RELEASES / name / f"{service}.patch"
    if "/" in name or not patch.is_file():
        there = sorted(path.parent.name for path in RELEASES.glob(f"*/{service}.patch"))
        raise StackError(f"there is no release {name!r} of {service}: there is {', '.join(there) or 'none'}")
    return Release(service=service, name=name, patch=patch.relative_to(ROOT).as_posix())


def folder(settings: Settings, release: Release) -> Path:
    """Where the patched package lies: what is put in front of the real one."""
    return settings.state / "changes" / "releases" / f"{release.service}-{release.name}"


def make(settings: Settings, release: Release) -> Path:
    """Make the patched copy, unless it is there and the code is the same; its folder. StackError if it does not fit."""
    package, target = PACKAGES[release.service], folder(settings, release)
    texts = patched(ROOT, package, ROOT / release.patch)
    made_of = _digest(package, texts)
    if _read(target / "made-of") == made_of:
        return target
    half = target.with_name(target.name + ".new")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(ROOT / package, half / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in texts.items():
        (half / name).parent.mkdir(parents=True, exist_ok=True)
        (half / name).write_text(text, encoding="utf-8")
    (half / "made-of").write_text(made_of)
    # In a container another user reads it.
    for path in [half, *half.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(target, ignore_errors=True)
    half.rename(target)
    return target


def _digest(package: str, texts: Mapping[str, str]) -> str:
    """What a patched copy is made of."""
    files = sorted(path for path in (ROOT / package).rglob("*") if path.is_file() and path.suffix != ".pyc")
    parts = [*(path.read_bytes() for path in files), *(text.encode() for text in texts.values())]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def patched(root: Path, package: str, patch: Path) -> dict[str, str]:
    """The new text of each file that a patch changes, by its path; StackError when a hunk does not fit any more."""
    try:
        files = PatchSet(patch.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, UnidiffParseError) as error:
        raise StackError(f"{patch} cannot be read as a unified diff: {error}") from None
    if not files:
        raise StackError(f"{patch} changes nothing")
    found = {}
    for file in files:
        if not file.path.startswith(f"{package}/") or ".." in Path(file.path).parts or file.is_removed_file:
            raise StackError(f"{patch} changes {file.path}: a release changes or adds files of its package, {package}/")
        before = "" if file.is_added_file else _text(root / file.path, patch)
        found[file.path] = apply(file, before, patch)
    return found


def _text(path: Path, patch: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise StackError(f"{patch} changes {path}, which is not there any more: make the patch anew") from None


def apply(file: PatchedFile, text: str, patch: Path) -> str:
    """A file's new text. Where the code has moved its hunks move along; StackError names one that has no place."""
    lines, shift = text.splitlines(keepends=True), 0
    for number, hunk in enumerate(file, 1):
        old = [line.value for line in hunk if line.is_context or line.is_removed]
        new = [line.value for line in hunk if line.is_context or line.is_added]
        expected = max(hunk.source_start - 1, 0) + shift
        at = _place(lines, old, expected)
        if at is None:
            raise StackError(
                f"hunk {number} of {patch} does not fit {file.path} any more ({_head(hunk)}): the code has changed "
                "there, make the patch anew"
            )
        lines[at : at + len(old)] = new
        shift += len(new) - len(old) + at - expected
    return "".join(lines)


def _place(lines: list[str], old: list[str], expected: int) -> int | None:
    """Where these lines stand: as expected, or else in the one other place; None when in none or in several."""
    if lines[expected : expected + len(old)] == old:
        return expected
    places = [at for at in range(len(lines) - len(old) + 1) if lines[at : at + len(old)] == old] if old else []
    return places[0] if len(places) == 1 else None


def _head(hunk: Hunk) -> str:
    return f"@@ -{hunk.source_start},{hunk.source_length} +{hunk.target_start},{hunk.target_length} @@"


def delivered() -> str:
    """The version of the system as it was delivered: what its spans say without a release."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
