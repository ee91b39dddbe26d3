"""One PostgreSQL for all runs of the model."""

from collections.abc import Iterator

import pytest

from .database import Database, server


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A server with both databases."""
    with server(tmp_path_factory.mktemp("model")) as settings:
        made = Database(settings)
        yield made
        made.close()
