"""The sentences in docs/operating.md's table of obstacles are those that the code says."""

import re

import pytest

from workshop.stack.settings import ROOT

HEADING = "## When something is in the way"
# What differs from case to case: numbers, paths, names of settings, values in quotation marks.
VARIABLE = r"…|\d[\d,.]*|'[^']*'|/[\w./-]+|\b[A-Z]+_[A-Z_]+\b|\.env\b|\bmake \w+`"


def sentences() -> list[str]:
    """What stands in the table's first column as something that is printed."""
    table = (ROOT / "docs" / "operating.md").read_text().split(HEADING)[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")][2:]
    return [
        each for cell in cells for each in re.findall(r"`([^`]+)`", cell) if " " in each and "make " not in each[:5]
    ]


@pytest.fixture(scope="module")
def code() -> str:
    """All that a command of this checkout can say, each sentence in one piece."""
    folders = ("workshop", "services", "common")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".sh")]
    text = "\n".join(path.read_text() for path in paths)
    text = re.sub(r'"\s*\n\s*f?"', "", text)
    return re.sub(r"\{[^{}]*\}", "{}", text)


@pytest.mark.parametrize("sentence", sentences())
def test_a_sentence_of_the_table_is_one_of_the_code(code: str, sentence: str) -> None:
    """A reader looks for what stands on the screen: four of its words in a row, or all it has between what varies."""
    parts = [part.strip(" :,();{}").split() for part in re.split(VARIABLE, sentence)]
    known = max(parts, key=len)
    runs = [" ".join(known[start : start + 4]) for start in range(max(1, len(known) - 3))]
    assert len(runs[0]) >= 8
    assert any(run in code for run in runs)
