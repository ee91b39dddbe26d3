"""What every scenario has to say of itself."""

import pytest

from workshop.changes.kinds import Data
from workshop.scenarios import catalogue
from workshop.scenarios.model import Population, Scenario
from workshop.stack.errors import StackError
from workshop.stack.settings import ROOT

EVERY = catalogue.every().values()


@pytest.mark.parametrize("scenario", EVERY, ids=lambda each: each.name)
def test_a_scenario_is_whole(scenario: Scenario) -> None:
    """Its folder has its name, its story a source, and no traces are no proof."""
    folder = catalogue.folder(scenario)
    assert (folder / "scenario.py").is_file()
    story = (folder / "README.md").read_text(encoding="utf-8")
    assert "https://" in story
    assert scenario.page in story
    assert scenario.over in story
    assert all(cure in story for cure in scenario.cures)
    assert all(told in story for told in scenario.look_alikes.values())
    nothing = scenario.signature(Population([]))
    assert not nothing
    assert nothing.words


@pytest.mark.parametrize("scenario", EVERY, ids=lambda each: each.name)
def test_changes_of_the_data_can_be_undone_twice(scenario: Scenario) -> None:
    """What was cut short is undone, too: each has a way back."""
    for change in scenario.changes():
        assert change.words
        assert not isinstance(change, Data) or change.down


@pytest.mark.parametrize("scenario", EVERY, ids=lambda each: each.name)
def test_the_docs_tell_of_it(scenario: Scenario) -> None:
    """In docs/scenarios.md, under its name."""
    assert f"## {scenario.name}\n" in (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")


def test_a_name_that_is_none_gets_the_nearest() -> None:
    """And an underscore is a hyphen."""
    assert catalogue.named("n_plus_one").name == "n-plus-one"
    with pytest.raises(StackError, match="did you mean missing-index"):
        catalogue.named("missing-indx")
