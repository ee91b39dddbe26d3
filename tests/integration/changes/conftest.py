"""The stack, as it was delivered before and after each test."""

from collections.abc import Iterator

import pytest

from workshop.changes import making

from ..conftest import Stack


@pytest.fixture
def clean(stack: Stack) -> Iterator[Stack]:
    """The stack; whatever a test changes is undone after it."""
    yield stack
    making.undo(stack.settings, lambda entry: True)
