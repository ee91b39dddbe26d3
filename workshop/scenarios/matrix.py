"""The confusion matrix: every signature on every recording, those of the healthy system, too."""

from collections.abc import Mapping

from workshop.scenarios import recording
from workshop.scenarios.catalogue import every
from workshop.scenarios.model import Population, Scenario


def fired(population: Population) -> list[str]:
    """The scenarios whose signatures are in a population."""
    return [name for name, scenario in every().items() if scenario.signature(population)]


def matrix() -> dict[str, list[str]]:
    """By recording, the scenarios whose signature it has."""
    return {name: fired(recording.load(path)) for name, path in recording.paths().items()}


def wrong(scenario: Scenario, seen: list[str]) -> list[str]:
    """What is seen in a scenario's traces and should not be: all but itself and the look-alikes that it names."""
    return [name for name in seen if name != scenario.name and name not in scenario.look_alikes]


def table(found: Mapping[str, list[str]]) -> str:
    """The matrix in Markdown: a line for each recording, a column for each signature, numbered."""
    names = [name for name in every() if name in found]
    numbers = {name: str(number) for number, name in enumerate(names, 1)}
    rows = [
        f"| {numbers.get(row, '–')} | {row} | {' | '.join('×' if name in seen else ' ' for name in names)} |"
        for row, seen in found.items()
    ]
    head = f"| | recording of | {' | '.join(numbers.values())} |"
    return "\n".join([head, f"|{'---|' * (len(names) + 2)}", *rows])
