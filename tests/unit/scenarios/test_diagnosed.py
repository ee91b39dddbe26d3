"""The diagnosis on every scenario's recording: the cause, from the traces and the plan, and nothing but the cause."""

import pytest

from workshop.commands.suspects import new_findings
from workshop.scenarios import catalogue, diagnosed, recording
from workshop.stack.settings import ROOT
from workshop.traces.diagnosis.diagnose_many import diagnose_many

RECORDINGS = recording.paths()
NEED_THE_PLAN = ("missing-index", "stale-statistics")
# What besides the cause is a problem in a recording, by operation: it really is one there.
BESIDES = {
    ("timeouts-upside-down", "order-worker SettleOrder"): "external call: payment waited",  # the provider is slow, too
    ("retry-storm", "order-worker SettleOrder"): "Read timed out",  # it cancels what the storm left, and waits as long
}


@pytest.fixture(scope="module")
def told() -> dict[str, diagnosed.Told]:
    """What is said of each recording."""
    return diagnosed.all_told()


@pytest.mark.parametrize("name", catalogue.every())
def test_many_traces_tell_the_cause(name: str, told: dict[str, diagnosed.Told]) -> None:
    """The worst that is found in a scenario's traces is its cause, in the words that the scenario has to hear."""
    scenario = catalogue.named(name)
    assert scenario.diagnosis, "a scenario says what the diagnosis has to tell of it"
    assert diagnosed.naming(scenario, told[name]), [each.verdict for each in told[name].many]


@pytest.mark.parametrize("name", catalogue.every())
def test_no_operation_is_told_another_cause(name: str, told: dict[str, diagnosed.Told]) -> None:
    """Each operation of the recording is healthy, or suffers from the same."""
    scenario = catalogue.named(name)
    for each in told[name].many:
        if each.problems:
            first = " ".join([each.problems[0].title, *each.problems[0].details])
            assert scenario.diagnosis in first or BESIDES[name, each.root] in first


@pytest.mark.parametrize("name", catalogue.every())
def test_one_trace_tells_what_it_can(name: str, told: dict[str, diagnosed.Told]) -> None:
    """Alone it tells the cause, or the part that the scenario names, or nothing: never something else."""
    how = diagnosed.of_one(catalogue.named(name), told[name])
    assert how in (("the cause", "a part") if catalogue.named(name).diagnosis_of_one else ("nothing",))


@pytest.mark.parametrize("name", catalogue.every())
def test_one_trace_among_the_others_of_its_time(name: str, told: dict[str, diagnosed.Told]) -> None:
    """As `spans diagnose ID` sees it: never something else, and at least as much as alone."""
    alone = diagnosed.of_one(catalogue.named(name), told[name])
    among = diagnosed.of_one_among_others(catalogue.named(name), told[name])
    assert among in {"the cause": ["the cause"], "a part": ["the cause", "a part"]}.get(
        alone, ["the cause", "a part", "nothing"]
    )


@pytest.mark.parametrize("before", [name for name in RECORDINGS if name.startswith("healthy")])
@pytest.mark.parametrize("name", catalogue.every())
def test_compared_with_the_healthy_system(name: str, before: str, told: dict[str, diagnosed.Told]) -> None:
    """What is new since then is the cause, or, without the plan, the statement; nothing is new the other way round."""
    scenario = catalogue.named(name)
    old, new = list(told[before].population.traces), list(told[name].population.traces)
    titles = [" ".join([each.title, *each.details]) for _, each in new_findings(old, new)]
    words = scenario.diagnosis_of_one if name in NEED_THE_PLAN else scenario.diagnosis
    assert words in titles[0] or (name == "noise" and words in " ".join(titles)), "a hint stands behind the problems"
    assert [each.title for _, each in new_findings(new, old)] == []


@pytest.mark.parametrize("name", [name for name in RECORDINGS if name.startswith("healthy")])
def test_the_healthy_system_is_healthy(name: str, told: dict[str, diagnosed.Told]) -> None:
    """Whatever operation, at rest and under load; and at rest each trace by itself."""
    assert [each.verdict for each in told[name].many if not each.healthy] == []
    if "rest" in name:
        assert [each.verdict for each in told[name].alone if not each.healthy] == []


@pytest.mark.parametrize("name", [name for name in RECORDINGS if name.startswith("healthy")])
def test_the_others_make_no_healthy_trace_ill(name: str, told: dict[str, diagnosed.Told]) -> None:
    """What is healthy alone is healthy among the others of its time."""
    traces = told[name].population.traces
    fine = {each.trace_id for each in told[name].alone if each.healthy}
    among = [diagnose_many([trace], around=traces) for trace in traces if trace.trace_id in fine][::4]
    assert [each.verdict for each in among if not each.healthy] == []


def test_the_docs_have_the_table_as_it_is(told: dict[str, diagnosed.Told]) -> None:
    """The table in docs/scenarios.md is what `spans scenarios diagnosed` prints."""
    assert diagnosed.table(told) in (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
