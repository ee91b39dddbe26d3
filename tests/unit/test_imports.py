"""Who may import whom: the services stay ordinary, the teaching side stays outside of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"common", "gateway", "inventory", "order", "payment", "services", "workshop", "bench", "tests"}
MAY_IMPORT = {
    "common": set(),
    "gateway": {"common"},
    "inventory": {"common"},
    "order": {"common"},
    "payment": {"common"},
    "services": {"common"},
    "workshop": set(),
}


def imports(path: Path) -> Iterator[str]:
    """The top-level names of what a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    """A service imports common, common imports nobody, the workshop only itself."""
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    allowed = MAY_IMPORT[package] | {package}
    forbidden = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports(path)
        if name in PACKAGES and name not in allowed
    }
    assert not forbidden


def test_the_services_do_not_instrument_themselves() -> None:
    """Instrumentation comes from the launcher: no service sets up the SDK or an instrumentor."""
    own = [
        path
        for package in ("common", "gateway", "inventory", "order", "payment")
        for path in (ROOT / package).rglob("*.py")
    ]
    found = [
        str(path.relative_to(ROOT))
        for path in own
        if "opentelemetry.sdk" in path.read_text() or "Instrumentor(" in path.read_text()
    ]
    assert not found


def test_only_the_provider_sleeps() -> None:
    """No fault is a sleep: the only one stands for the network of a company outside."""
    packages = ("common", "gateway", "inventory", "order", "payment", "services/provider")
    sleepers = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "sleep"
    }
    assert sleepers == {"services/provider/app.py"}
