"""Stand-ins for the tests, on ports that the system chose."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.jaeger.settings import Settings
from tests.unit.jaeger.stand_in import StandIn


@pytest.fixture(scope="module")
def start_stand_in() -> Iterator[Callable[..., StandIn]]:
    """Start stand-ins with settings of the test's choice; they end with the module."""
    started = []

    def start(**settings: Any) -> StandIn:
        started.append(StandIn(Settings(bind=("127.0.0.1", 0), otlp_bind=("127.0.0.1", 0), **settings)))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="module")
def stand_in(start_stand_in: Callable[..., StandIn]) -> StandIn:
    """One stand-in with the default settings for the whole module."""
    return start_stand_in()
