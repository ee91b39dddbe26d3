"""A connection whose statements end with the request that waits for them.

The server knows nothing of a request's deadline. To tell it would take a statement before each statement, a round trip
and a line in every trace. So the client looks at the clock instead while it waits, and cancels what is late.
"""

import math
import time
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Ready

from common import deadline

# A statement gets this long even when no time is left, in seconds: undoing takes one, too.
LEAST_SECONDS = 0.1
# Longest pause between two looks at the clock, in seconds. psycopg waits whole ms, so the looks come ever earlier than
# they should, and none falls on the deadline itself.
LOOK_SECONDS = 0.05
# No statement is canceled later than this, in seconds: whoever waits for the answer has a margin, and it is small.
LATE_SECONDS = 0.01
# A server that does not even end a statement within this many seconds of being told to is given up.
CANCEL_SECONDS = 1.0


class BoundedConnection(psycopg.Connection[Any]):
    """Cancels a statement at its request's deadline (psycopg.errors.QueryCanceled); outside of a request, never.

    When the server does not answer to that either, the connection is closed: psycopg.OperationalError.
    """

    def wait(self, gen: PQGen[Any], interval: float = LOOK_SECONDS, timeout: float | None = None) -> Any:
        """Consume a generator that works on the connection, as psycopg.Connection.wait does."""
        left = deadline.remaining()
        if left is None:
            return super().wait(gen, interval, timeout)
        left = max(left, LEAST_SECONDS)
        # So that one of the looks falls on the deadline, or a little before it.
        interval = left / math.ceil(left / LOOK_SECONDS)
        return super().wait(self._until(time.monotonic() + left, interval, gen), interval, timeout)

    def _until(self, end: float, interval: float, gen: PQGen[Any]) -> PQGen[Any]:
        """The same generator, its statement canceled at the last look before `end` (monotonic) + LATE_SECONDS."""
        canceled = False
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                late = time.monotonic() - end
                if ready == Ready.NONE and late + interval > LATE_SECONDS and not canceled:
                    canceled = True
                    self._cancel()
                elif ready == Ready.NONE and late >= CANCEL_SECONDS:
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the database did not answer, and did not cancel the statement")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _cancel(self) -> None:
        try:
            self.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error:
            # What cannot be canceled is given up a little later.
            return
