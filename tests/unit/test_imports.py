"""Who may import whom: the services stay ordinary, the teaching side stays outside of them, rooms know their place."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("common", "gateway", "inventory", "order", "payment", "services", "workshop", "bench", "tests")
MAY_IMPORT: dict[str, set[str]] = {
    "common": set(),
    "gateway": {"common"},
    "inventory": {"common"},
    "order": {"common"},
    "payment": {"common"},
    "services": {"common"},
    "workshop": set(),
}
# What each room of the workshop may import beside itself; a room that is not named here may not be there.
TRACES = "workshop.traces."
ROOMS: dict[str, set[str]] = {
    "workshop.traces.wording": set(),
    "workshop.traces.model": {"workshop.traces.wording"},
    "workshop.traces.sources": {TRACES + "model"},
    "workshop.traces.time": {TRACES + "model", TRACES + "wording"},
    "workshop.traces.diagnosis": {TRACES + each for each in ("model", "neighbours", "time", "wording")},
    "workshop.traces.comparison": {TRACES + each for each in ("model", "time", "wording")},
    "workshop.traces.suspects": {TRACES + each for each in ("model", "time", "wording")},
    "workshop.traces.neighbours": {TRACES + each for each in ("model", "time", "wording")},
    # Showing never fetches, sources never show.
    "workshop.traces.showing": {
        TRACES + each for each in ("model", "time", "diagnosis", "comparison", "neighbours", "suspects", "wording")
    },
    "workshop.traces.assertion": {TRACES + each for each in ("model", "showing")},
    "workshop.stack": set(),
    "workshop.logs": {"workshop.stack", "workshop.traces"},
    "workshop.shop": {"workshop.stack", "workshop.logs", "workshop.traces"},
    "workshop.load": {"workshop.stack", "workshop.shop"},
    "workshop.chaos": {"workshop.stack", "workshop.shop", "workshop.logs"},
    "workshop.console": {"workshop.stack", "workshop.logs", "workshop.shop", "workshop.traces"},
    "workshop.commands": {"workshop." + each for each in ("stack", "logs", "shop", "traces", "changes", "chaos")},
    "workshop.share": {"workshop.stack"},
    "workshop.changes": {"workshop.stack"},
    "workshop.scenarios": {"workshop." + each for each in ("changes", "commands", "shop", "stack", "traces")},
    "workshop.cli": {
        "workshop." + each
        for each in (
            "changes",
            "chaos",
            "commands",
            "load",
            "logs",
            "scenarios",
            "share",
            "shop",
            "stack",
            "traces",
            "console",
        )
    },
}
MOST_FILES = 14
SOURCES = (".py", ".js", ".css", ".html", ".sh", ".sql")
# The console stands behind the same doors as every other process of ours, and so does the room's.
BEHIND_DOORS = ("workshop.console", "workshop.share")
DOORS = {"common.serving", "common.serving.hosts", "common.serving.http_server"}
# What changes a setting reads what can be set from the service that has it.
DECLARING = "workshop.changes.declared"
DECLARATIONS = {"common.settings", "services.provider.settings"} | {
    f"{each}.settings" for each in ("gateway", "order", "inventory", "payment")
}


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its name."""
    found = {}
    for package in OURS:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imported(name: str) -> frozenset[str]:
    """The modules of ours that a module imports, wherever in it and whether for types only."""
    found = set()
    for node in ast.walk(ast.parse(modules()[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from package import module` means the module, `from module import name` the module, too.
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & modules().keys() or {node.module}
            found |= {node.module} if inner - modules().keys() else set()
    return frozenset(each for each in found if each.partition(".")[0] in OURS and each != name)


def room_of(name: str) -> str | None:
    """The room that a module belongs to, the innermost that is listed."""
    fitting = [room for room in ROOMS if name == room or name.startswith(room + ".")]
    return max(fitting, key=len) if fitting else None


def circles(edges: dict[str, frozenset[str]]) -> Iterator[list[str]]:
    """Rings of imports, each as the names on it; none when the graph has none."""
    done: set[str] = set()
    for start in sorted(edges):
        trail: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                trail.pop()
                done.add(name)
            elif name in trail:
                yield [*trail[trail.index(name) :], name]
            elif name not in done:
                trail.append(name)
                stack.append((name, True))
                stack.extend((each, False) for each in edges.get(name, frozenset()))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    """A service imports common, common imports nobody, the workshop only itself; its console has common's doors."""
    own = [name for name in modules() if name.partition(".")[0] == package]
    assert own
    allowed = MAY_IMPORT[package] | {package}
    forbidden = {
        f"{name} imports {each}"
        for name in own
        for each in imported(name)
        if each.partition(".")[0] not in allowed
        and not (room_of(name) in BEHIND_DOORS and each in DOORS)
        and not (name == DECLARING and each in DECLARATIONS)
    }
    assert not forbidden


def test_every_module_of_the_workshop_has_a_room() -> None:
    """A new folder says here whom it may import."""
    homeless = [name for name in modules() if name.startswith("workshop.") and room_of(name) is None]
    assert [name for name in homeless if name != "workshop.traces"] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    """Showing never fetches, sources never show, and reading traces knows neither the shop nor the stack."""
    own = [name for name in modules() if room_of(name) == room]
    assert own, f"{room} is not there any more"
    allowed = ROOMS[room] | {room}
    forbidden = {
        f"{name} imports {each}"
        for name in own
        for each in imported(name)
        if each.startswith("workshop.") and not any(each == may or each.startswith(may + ".") for may in allowed)
    }
    assert not forbidden


def test_no_module_imports_itself_by_way_of_others() -> None:
    """A circle of modules, imports within functions and for types included, can only be read as a whole."""
    assert list(circles({name: imported(name) for name in modules()})) == []


def test_no_room_imports_itself_by_way_of_others() -> None:
    """The same for the rooms."""
    edges: dict[str, set[str]] = {}
    for name in modules():
        for each in imported(name):
            one, other = room_of(name), room_of(each)
            if one and other and one != other:
                edges.setdefault(one, set()).add(other)
    assert list(circles({room: frozenset(others) for room, others in edges.items()})) == []


def test_a_circle_would_be_found() -> None:
    """The search itself works."""
    edges = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"}), "d": frozenset({"a"})}
    assert [sorted(set(ring)) for ring in circles(edges)] == [["a", "b", "c"]]


def test_no_folder_holds_more_than_a_newcomer_can_look_over() -> None:
    """A folder with more than fourteen source files wants rooms."""
    folders: dict[Path, int] = {}
    for package in OURS:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in SOURCES and path.name != "__init__.py" and "vendor" not in path.parts:
                folders[path.parent] = folders.get(path.parent, 0) + 1
    full = {str(folder.relative_to(ROOT)): count for folder, count in folders.items() if count > MOST_FILES}
    assert not full


def test_the_map_has_a_line_for_each_room() -> None:
    """A newcomer finds every folder of code in docs/map.md, by its whole path or by its path within the traces."""
    text = (ROOT / "docs" / "map.md").read_text()
    rooms = {path.parent.relative_to(ROOT).as_posix() for each in MAY_IMPORT for path in (ROOT / each).rglob("*.py")}
    rooms -= {"services", "workshop", "workshop/traces"}
    # Scenarios are many of one kind: docs/scenarios.md has a section for each.
    rooms = {room for room in rooms if not room.startswith("workshop/scenarios/")}
    missing = {room for room in rooms if f"`{room.removeprefix('workshop/traces/')}/`" not in text}
    assert rooms
    assert not missing


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
        if any(word in path.read_text() for word in ("opentelemetry.sdk", "Instrumentor(", "auto_instrumentation"))
    ]
    # Which serves all of them: what the launcher does, in the process that gunicorn forks.
    assert found == ["common/gunicorn.py"]


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
