"""One PostgreSQL for all runs of the model."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from .database import Database, server

# `make test ARGS="tests/model --hypothesis-profile=long"`
LONG = "long"
settings.register_profile(LONG)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A server with both databases."""
    with server(tmp_path_factory.mktemp("model")) as settings:
        made = Database(settings)
        yield made
        made.close()


@pytest.fixture(scope="session")
def long() -> bool:
    """Whether somebody has the time for many runs, other ones each time."""
    return settings.get_current_profile_name() == LONG
