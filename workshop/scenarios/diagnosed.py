"""What the diagnosis says of each scenario's traces, and whether it is the cause: of one trace alone, and of many.

The diagnosis knows nothing of scenarios. Each scenario says in its own words what it has to hear.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workshop.commands.traces import by_root
from workshop.scenarios import plans, recording
from workshop.scenarios.catalogue import every
from workshop.scenarios.model import Population, Scenario
from workshop.shop import ledger
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.diagnosis.diagnose_many import diagnose_many
from workshop.traces.diagnosis.findings import Diagnosis, Finding

How = Literal["the cause", "a part", "nothing", "something else"]
SHOWN = 200  # characters of a verdict in the table


@dataclass(frozen=True)
class Told:
    """What was said of a population: of its traces one by one, and of each operation's together."""

    alone: list[Diagnosis]
    many: list[Diagnosis]


def told(population: Population) -> Told:
    """Both diagnoses, with the plan that was recorded with the traces."""
    document = plans.as_document(population.plan)

    def explain(statement: str, database: str | None) -> Any:
        return document if ledger.TABLE in statement and "sum(quantity)" in statement else None

    return Told(
        [diagnose(trace, explain=explain) for trace in population.traces],
        [diagnose_many(group, explain=explain, around=population.traces) for group in by_root(list(population.traces))],
    )


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
    named = naming(scenario, found)
    proof = {each.trace_id for each in named.evidence} if named else set()
    said = [(each.problems or each.findings)[:1] for each in found.alone if each.trace_id in proof]
    if sum(_says(finding, scenario.diagnosis) for first in said for finding in first) * 2 >= len(said) > 0:
        return "the cause"
    if sum(_says(finding, scenario.diagnosis_of_one) for first in said for finding in first) * 2 >= len(said) > 0:
        return "a part"
    return "something else" if sum(bool(first) for first in said) * 2 > len(said) else "nothing"


def all_told() -> dict[str, Told]:
    """By recording what is said of it."""
    return {name: told(recording.load(path)) for name, path in recording.paths().items()}


def table(found: Mapping[str, Told]) -> str:
    """The scenarios in Markdown: what one trace tells, what many do, and in which words."""
    rows = ["| scenario | one trace tells | many tell | what is said of many |", "|---|---|---|---|"]
    for name, scenario in every().items():
        if name in found:
            named = naming(scenario, found[name])
            words = " · ".join([named.title, *named.details[-1:]]) if named else ""
            shown = words if len(words) <= SHOWN else f"{words[: SHOWN - 1].rstrip()}…"
            rows.append(f"| {name} | {of_one(scenario, found[name])} | {'the cause' if named else '–'} | {shown} |")
    return "\n".join(rows)
