"""Scenarios on a real system: two quick ones always, all of them with `-m scenarios`."""

import json
import os
from collections.abc import Iterator

import pytest
import requests

from tests.integration.conftest import Stack
from workshop.scenarios import catalogue

QUICK = ("lost-header", "swallowed-error")
OTHERS = [name for name in catalogue.every() if name not in QUICK]
# `SCENARIOS_PART=1/3`: each third one, beginning with the first; all of them take ten minutes.
PART, PARTS = map(int, os.environ.get("SCENARIOS_PART", "1/1").split("/"))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that may be broken."""
    stack = Stack(tmp_path_factory.mktemp("scenarios"), seed_movements=1_500_000)
    with stack.running():
        yield stack
        stack.must("audit", "--settle", "60")


def test_a_wire_is_broken_and_cured_with_proof(broken: Stack) -> None:
    """The proof is a trace on the screen; a second fault is refused; the cure leaves nothing changed."""
    told = broken.must("break", "lost-header")
    assert "proved in" in told
    assert "payment begins a trace of its own" in told
    assert "gateway POST /checkout" in told
    assert [each["by"].endswith("scenario lost-header") for each in changes(broken)] == [True]
    listed = json.loads(broken.must("scenarios", "--json"))
    assert [each["name"] for each in listed if each["on"]] == ["lost-header"]
    refused = broken.spans("break", "swallowed-error")
    assert refused.returncode == 1
    assert "spans fix lost-header first" in refused.stderr
    assert "gone, proved in" in broken.must("fix", "lost-header")
    assert [each["state"] for each in changes(broken)] == ["undone"]


def test_a_release_is_broken_and_cured_with_proof(broken: Stack) -> None:
    """Checkouts go on being answered while it is on."""
    told = broken.must("break", "swallowed-error")
    assert "42703" in told
    assert broken.checkout().status_code == 201
    assert "gone, proved in" in broken.must("fix", "swallowed-error")


@pytest.mark.scenarios
@pytest.mark.parametrize("name", OTHERS[PART - 1 :: PARTS])
def test_every_scenario_is_proved(broken: Stack, name: str) -> None:
    """Absent when healthy, seen when broken, told from all others, gone when cured: in a shop that has been busy."""
    look_at_everything(broken)
    assert "cured: gone" in broken.must("scenarios", "check", name)
    assert all(each["state"] == "undone" for each in changes(broken))


def look_at_everything(stack: Stack) -> None:
    """Turn every page of the catalogue, so that the cache knows all products, as it does after minutes of load."""
    after: str | None = ""
    while after is not None:
        answer = requests.get(f"{stack.gateway}/products", params={"limit": "1000", "after": after}, timeout=30)
        after = answer.json()["next"]


def changes(stack: Stack) -> list[dict[str, str]]:
    """The log of the changes that a scenario made."""
    found: list[dict[str, str]] = json.loads(stack.must("changes", "--json"))
    return [each for each in found if "scenario" in each["by"]]
