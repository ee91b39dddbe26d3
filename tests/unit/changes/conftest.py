"""A state folder of its own for each test."""

from pathlib import Path

import pytest

from workshop.stack.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose state lies in a folder with a space in its name."""
    return Settings(_env_file=None, state_folder=str(tmp_path / "a state"))  # type: ignore[call-arg]
