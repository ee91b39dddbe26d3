"""A process that listens nowhere says that it lives by touching a file; what probes it looks at the file's age."""

import logging
import threading
import time
from pathlib import Path

log = logging.getLogger("order.worker")

# How often the file is touched. Whoever probes allows a few times as much.
BEAT_SECONDS = 2.0


class Liveness:
    """The file is touched as long as every loop comes round; `longest` is how many seconds one may take for that.

    A loop that waits for a database or a service that is away comes round: to end the process would mend nothing.
    """

    def __init__(self, file: Path | None, longest: float) -> None:
        self.file, self.longest = file, longest
        self._seen: dict[str, float] = {}
        if file:
            # What an earlier process has left says nothing about this one.
            file.unlink(missing_ok=True)

    def beat(self, loop: str) -> None:
        """A loop has come round."""
        self._seen[loop] = time.monotonic()

    def stuck(self) -> list[str]:
        """The loops that have not come round for too long."""
        now = time.monotonic()
        return [loop for loop, seen in self._seen.items() if now - seen > self.longest]

    def keep(self, stop: threading.Event) -> None:
        """Touch the file until `stop` is set; not while a loop is stuck, which is logged once."""
        told: list[str] = []
        while not stop.is_set():
            stuck = self.stuck()
            if stuck and stuck != told:
                log.error("stuck for more than %g s: %s", self.longest, ", ".join(stuck))
            if not stuck and self.file:
                self.file.touch()
            told = stuck
            stop.wait(BEAT_SECONDS)
