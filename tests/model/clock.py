"""Time that passes when the test says so: what waits in it waits no real time, and the same run is the same again."""

import time

import pytest

# What a call between services, or a statement, takes.
STEP_SECONDS = 0.002


class Clock:
    """Stands in for `time.monotonic` and `time.sleep` of the code under test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1_000_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.seconds)
        monkeypatch.setattr(time, "sleep", self.advance)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
