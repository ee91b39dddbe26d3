"""A shared workshop in front of containers: the same visitor, who buys, reads, and reaches nothing else."""

import pytest

# pytest collects the tests and fixtures from here once more, with this folder's `stack`.
from tests.integration.test_share import *  # noqa: F403

pytestmark = pytest.mark.docker
