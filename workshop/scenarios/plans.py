"""What PostgreSQL's plan for the sum of the ledger says: the way that it takes, and how far its estimate is off."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workshop.shop import ledger

ESTIMATED = re.compile(r"\(cost=[^)]*rows=(\d+)")
NODE = re.compile(r"(?P<type>\w+(?: \w+)* Scan)\b.*actual time=[\d.]+\.\.(?P<ms>[\d.]+)")
REMOVED = re.compile(r"Rows Removed by Filter: (\d+)")
FILTER = re.compile(r"\bFilter: (\(.*?\)\))")
ACTUAL = re.compile(r"\(actual [^)]*rows=(\d+)")


@dataclass(frozen=True)
class Scan:
    """How the ledger's rows are come by: `whole` reads all of them; the rows expected, and those found."""

    whole: bool
    expected: int
    found: int

    @property
    def misjudged(self) -> bool:
        """Whether the planner expected a hundred times what there is, or more."""
        return self.expected >= 100 * max(self.found, 1)


def scan(plan: Sequence[str]) -> Scan | None:
    """The scan of the ledger in a plan; None when there is none in it."""
    for line in plan:
        if ledger.TABLE in line or ledger.INDEX in line:
            expected, found = ESTIMATED.search(line), ACTUAL.search(line)
            if expected and found:
                return Scan("Seq Scan" in line, int(expected[1]), int(found[1]))
    return None


def as_document(plan: Sequence[str]) -> list[dict[str, Any]] | None:
    """The scan of the ledger in a plan as EXPLAIN (FORMAT JSON) would have it, for the diagnosis; None without one."""
    for number, line in enumerate(plan):
        found, read = scan([line]), NODE.search(line)
        if found and read:
            node = {"Node Type": read["type"], "Relation Name": ledger.TABLE, "Plan Rows": found.expected}
            below = " ".join(plan[number + 1 : number + 4])
            removed, condition = REMOVED.search(below), FILTER.search(below)
            node |= {"Actual Rows": found.found, "Actual Loops": 1, "Actual Total Time": float(read["ms"])}
            node["Rows Removed by Filter"] = int(removed[1]) if removed else 0
            return [{"Plan": node | ({"Filter": condition[1]} if condition else {})}]
    return None
