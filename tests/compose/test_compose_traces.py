"""The same assertions on the traces as on the stand-in, here through the real collector and the real Jaeger."""

import pytest

# pytest collects the tests and fixtures from here once more, with this folder's `stack`.
from tests.integration.test_trace import *  # noqa: F403

pytestmark = pytest.mark.docker
