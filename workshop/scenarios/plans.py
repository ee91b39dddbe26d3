"""What PostgreSQL's plan for the sum of the ledger says: the way that it takes, and how far its estimate is off."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workshop.shop import ledger

ESTIMATED = re.compile(r"\(cost=[^)]*rows=(\d+)")
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
