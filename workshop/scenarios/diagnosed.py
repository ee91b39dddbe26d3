"""What the diagnosis says of each scenario's traces, and whether it is the cause: of one trace alone, and of many.

The diagnosis knows nothing of scenarios. Each scenario says in its own words what it has to hear.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workshop.commands.operations import by_root
from workshop.scenarios import plans, recording
from workshop.scenarios.catalogue import every
from workshop.scenarios.model import Population, Scenario
from workshop.shop import ledger
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.diagnosis.facts import Explain
from workshop.traces.diagnosis.findings import Diagnosis, Finding

How = Literal["the cause", "a part", "nothing", "something else"]
SHOWN = 200  # characters of a verdict in the table


@dataclass(frozen=True)
class Told:
    """What was said of a population: of its traces one by one, and of each operation's together."""

    population: Population
    alone: list[Diagnosis]
    many: list[Diagnosis]


def told(population: Population) -> Told:
    """Both diagnoses, with the plan that was recorded with the traces."""
    explain = _explainer(population)
    return Told(
        population,
        [diagnose(trace, explain=explain) for trace in population.traces],
        [diagnose_many(group, explain=explain, around=population.traces) for group in by_root(list(population.traces))],
    )


def _explainer(population: Population) -> Explain:
    """Gives the plan that was recorded with the traces, for the statement that it is of."""
    document = plans.as_document(population.plan)

    def explain(statement: str, database: str | None) -> Any:
        return document if ledger.TABLE in statement and "sum(quantity)" in statement else None

    return explain


def naming(scenario: Scenario, found: Told) -> Finding | None:
    """What names the cause, of the operation that says it first of all; None where none does."""
    for each in found.many:
        # Noise hurts nobody but the bill: it is no problem of a request, and stays a hint.
        for finding in each.problems[:1] or each.findings:
            if _says(finding, scenario.diagnosis):
                return finding
    return None


def _says(finding: Finding, words: str) -> bool:
    return bool(words) and words in " ".join([finding.title, *finding.details])


def of_one(scenario: Scenario, found: Told) -> How:
    """What most of the traces that prove it say, each by itself."""
    proof = _proof(scenario, found)
    return _how(scenario, [each for each in found.alone if each.trace_id in proof])


def of_one_among_others(scenario: Scenario, found: Told) -> How:
    """What they say, each by itself but with the others of its time at hand, as `spans diagnose ID` has them."""
    explain, traces = _explainer(found.population), found.population.traces
    proof = _proof(scenario, found)
    mine = [trace for trace in traces if trace.trace_id in proof]
    return _how(scenario, [diagnose_many([trace], explain=explain, around=traces) for trace in mine])


def _proof(scenario: Scenario, found: Told) -> set[str]:
    named = naming(scenario, found)
    return {each.trace_id for each in named.evidence} if named else set()


def _how(scenario: Scenario, diagnoses: list[Diagnosis]) -> How:
    """Whether half of the diagnoses or more name the cause first, or a part of it; of others what it is instead."""
    said = [(each.problems or each.findings)[:1] for each in diagnoses]
    if sum(_says(finding, scenario.diagnosis) for first in said for finding in first) * 2 >= len(said) > 0:
        return "the cause"
    if sum(_says(finding, scenario.diagnosis_of_one) for first in said for finding in first) * 2 >= len(said) > 0:
        return "a part"
    return "something else" if sum(bool(first) for first in said) * 2 > len(said) else "nothing"


def all_told() -> dict[str, Told]:
    """By recording what is said of it."""
    return {name: told(recording.load(path)) for name, path in recording.paths().items()}


def table(found: Mapping[str, Told]) -> str:
    """The scenarios in Markdown: what one trace tells, alone and among others, what many do, and in which words."""
    rows = [
        "| scenario | one trace alone tells | among others | many tell | what is said of many |",
        "|---|---|---|---|---|",
    ]
    for name, scenario in every().items():
        if name in found:
            named = naming(scenario, found[name])
            words = " · ".join([named.title, *named.details[-1:]]) if named else ""
            shown = words if len(words) <= SHOWN else f"{words[: SHOWN - 1].rstrip()}…"
            one, among = of_one(scenario, found[name]), of_one_among_others(scenario, found[name])
            rows.append(f"| {name} | {one} | {among} | {'the cause' if named else 'nothing'} | {shown} |")
    return "\n".join(rows)
