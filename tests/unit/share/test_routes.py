"""The list of what is open, against what the sites have: nothing they need is shut, nothing new is open by chance."""

from pathlib import Path

import pytest

from gateway.app import create_app as create_gateway
from workshop.console.app import create_app as create_console
from workshop.share.routes import CONSOLE, SHOP, Routes

ROOT = Path(__file__).resolve().parents[3]
# Who adds a page to a site decides here whether a room may see it.
OPEN = {
    "shop": {"/", "/products", "/orders/<uuid:order_id>", "/checkout"},
    "console": {
        "/",
        "/services",
        "/open",
        "/compare/<pair>",
        "/trace/<trace_id>",
        "/trace/<trace_id>/receivers",
        "/trace/<trace_id>/neighbours",
        "/trace/<trace_id>/<any(otlp, jaeger):form>.json",
    },
}
SHUT = {
    "shop": {"/openapi.json", "/healthz", "/readyz"},
    # It fetches some hundred traces whole: sixty visitors at once would keep Jaeger from everything else.
    "console": {
        "/changes",
        "/healthz",
        "/readyz",
        "/open/<int:file>",
        "/open/<int:file>/<int:number>",
        "/open/<int:file>/close",
        # It switches faults on and off.
        "/teach",
        "/teach/<what>",
    },
}
EXAMPLES = {
    "<uuid:order_id>": "c10632ce-17d1-460c-8bb3-5fdc9942e412",
    "<pair>": "a" * 32 + "..." + "b" * 32,
    "<trace_id>": "7d3c802d87f9a6ddcbb1675b426eb9bb",
    "<any(otlp, jaeger):form>": "otlp",
    "<int:file>": "1",
    "<int:number>": "1",
    "<what>": "now",
}


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The paths that each site has."""
    for name in ("ORDER_URL", "INVENTORY_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    apps = {"shop": create_gateway(), "console": create_console()}
    return {
        name: {rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/static/")}
        for name, app in apps.items()
    }


@pytest.mark.parametrize(("site", "routes"), [("shop", SHOP), ("console", CONSOLE)])
def test_each_path_of_a_site_is_open_or_shut_on_purpose(site: str, routes: Routes, rules: dict[str, set[str]]) -> None:
    """And the list of routes says so."""
    assert rules[site] == OPEN[site] | SHUT[site]
    for rule in rules[site]:
        path = rule
        for name, example in EXAMPLES.items():
            path = path.replace(name, example)
        kinds = {routes.kind(method, path, "id=ab" if path == "/open" else "") for method in ("GET", "POST")} - {None}
        assert bool(kinds) == (rule in OPEN[site]), rule


@pytest.mark.parametrize(("folder", "routes"), [("gateway/static", SHOP), ("workshop/console/static", CONSOLE)])
def test_every_file_of_a_site_comes_through(folder: str, routes: Routes) -> None:
    """A page without one of its scripts would be half a page."""
    files = [path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert files
    shut = [name for name in files if routes.kind("GET", f"/static/{name}", "") != "read"]
    assert shut == []
