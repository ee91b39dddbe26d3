"""SETTLE_AFTER_SECONDS: a checkout that is alive is never settled by the worker."""

import math

import pytest

from common.settings import load
from order.settings import IN_HAND_SECONDS, REQUEST_SECONDS
from order.settings import WorkerSettings as Worker
from workshop.stack.errors import StackError
from workshop.stack.settings import Settings
from workshop.stack.settings import load as load_stack


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a worker."""
    for name in ("DATABASE_URL", "INVENTORY_URL", "PAYMENT_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SERVICE_SECRET", "x" * 32)
    return monkeypatch


@pytest.mark.parametrize("value", ["1", "19", str(REQUEST_SECONDS), str(IN_HAND_SECONDS - 0.1), "0", "-1", "nan"])
def test_less_than_a_request_can_take_is_refused(worker: pytest.MonkeyPatch, value: str) -> None:
    """By the worker, with the variable's name, and by every command before anything is started."""
    worker.setenv("SETTLE_AFTER_SECONDS", value)
    with pytest.raises(SystemExit, match=f"SETTLE_AFTER_SECONDS is '{value}'"):
        load(Worker)
    with pytest.raises(StackError, match="SETTLE_AFTER_SECONDS"):
        load_stack()


def test_what_the_commands_take_the_worker_takes(worker: pytest.MonkeyPatch) -> None:
    """The least value and the default are the same, to the second."""
    (least,) = [each.ge for each in Settings.model_fields["settle_after_seconds"].metadata if hasattr(each, "ge")]
    assert least == math.ceil(IN_HAND_SECONDS)
    worker.setenv("SETTLE_AFTER_SECONDS", str(least))
    assert load(Worker).settle_after_seconds == least
    worker.delenv("SETTLE_AFTER_SECONDS")
    assert load(Worker).settle_after_seconds == Settings.model_fields["settle_after_seconds"].default
