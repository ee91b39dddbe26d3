"""`spans reset`: a baseline that was looked at before it is called clean."""

import pytest

from workshop.changes import journal, making, patching
from workshop.changes.kinds import Data, Setting

from ..conftest import Stack


@pytest.fixture
def broken(clean: Stack) -> Stack:
    """A stack with a release, a setting, a table that somebody changed, and an order that nobody finished."""
    making.make(clean.settings, patching.named("inventory", "n-plus-one"))
    making.make(clean.settings, Setting(service="payment", values={"PROVIDER_TIMEOUT_SECONDS": "0.01"}))
    making.make(
        clean.settings,
        Data(
            name="autovacuum off",
            up=["ALTER TABLE product SET (autovacuum_enabled = off)"],
            down=["ALTER TABLE product RESET (autovacuum_enabled)"],
        ),
    )
    assert clean.checkout().status_code == 504
    return clean


def test_reset_undoes_everything_and_looks(broken: Stack) -> None:
    """Nothing is changed but the index, which is there; the audit holds, fresh traces have no finding."""
    told = broken.must("reset")
    assert told.count("Undone: ") == 3
    assert "the audit holds" in told
    assert "10 fresh traces have no finding: the baseline is clean" in told
    assert [each.change.kind for each in journal.in_force(broken.settings, "local")] == ["data"]
    assert "0 of" not in broken.must("audit")
    assert "Dropped the index" in broken.must("break")
    assert journal.in_force(broken.settings, "local") == []


TAKE = "INSERT INTO stock_movement (sku, quantity, reason) VALUES ('SKU-00002', -1000000, 'sale') RETURNING id"


def test_reset_says_what_is_not_clean(clean: Stack) -> None:
    """A fault that is no change of ours: it is named, and the exit code says so."""
    with clean.inventory() as connection:
        taken = connection.execute(TAKE).fetchone()
        try:
            done = clean.spans("reset")
        finally:
            connection.execute("DELETE FROM stock_movement WHERE id = %s", taken)
            clean.must("break")
    assert done.returncode == 1
    assert "the audit does not hold" in done.stderr
