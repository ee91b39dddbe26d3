"""When a statement that is late is canceled, on a clock of the test."""

import itertools
import math
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg.waiting import Ready, Wait

from common.database import bounded


def canceled_at(monkeypatch: pytest.MonkeyPatch, left: float, begun: float) -> float:
    """When a statement with so many seconds left was canceled, its first answer having come after `begun` seconds.

    psycopg waits in whole ms, the fraction cut off, and each wait begins anew when something has come.
    """
    moments: list[float] = []
    now = [0.0]
    monkeypatch.setattr(bounded, "time", SimpleNamespace(monotonic=lambda: now[0]))
    connection: Any = SimpleNamespace(_cancel=lambda: moments.append(now[0]))
    interval = left / math.ceil(left / bounded.LOOK_SECONDS)
    looks: Any = bounded.BoundedConnection._until(
        connection,
        left,
        interval,
        (Wait.R for _ in itertools.count()),  # type: ignore[arg-type]
    )
    next(looks)
    now[0] = begun
    looks.send(Ready.R)
    while not moments:
        now[0] += math.floor(interval * 1000) / 1000
        looks.send(Ready.NONE)
    return moments[0]


@pytest.mark.parametrize("left", [0.1, 0.137, 0.5, 0.999, 1.304, 1.45, 2.9, 7.77, 19.0])
@pytest.mark.parametrize("begun", [0.0, 0.0012, 0.0051, 0.031])
def test_a_statement_is_canceled_in_time(monkeypatch: pytest.MonkeyPatch, left: float, begun: float) -> None:
    """Never later than its caller's margin allows, and not much before either."""
    moment = canceled_at(monkeypatch, left, begun)
    assert left - bounded.LOOK_SECONDS <= moment <= left + bounded.LATE_SECONDS
