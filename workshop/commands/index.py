"""`spans fix` and `break`, which the log of changes knows as one change of the data."""

from workshop.changes import making
from workshop.changes.kinds import Data
from workshop.shop import index, ledger
from workshop.stack import own

CHANGE = Data(
    name=ledger.INDEX,
    up=[ledger.CREATE],
    down=[ledger.DROP],
)


def fix() -> None:
    """Create the index."""
    with making.noted(own.system(), CHANGE, there=True):
        index.fix()


def break_again() -> None:
    """Drop it again: the system is as it was delivered."""
    with making.noted(own.system(), CHANGE, there=False):
        index.break_again()
