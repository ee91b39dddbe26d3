"""How long whoever is away is asked again: another service, or a database."""

import time

from tenacity import RetryCallState, wait_exponential_jitter

# For so long after it was found away a service is asked again: on a machine that is far too busy a restart may take as
# long, and an answer that comes late is better than none. The request's own deadline ends it before.
RECONNECT_SECONDS = 9.0
# By so much the one who is asked gives up before we do, so that its answer still reaches us.
MARGIN_SECONDS = 0.05
# The pauses between attempts.
BRIEFLY = wait_exponential_jitter(multiplier=0.05, max=0.5, jitter=0.1)


class AwayTooLong:
    """Stops attempts so many seconds after the first failed one has ended, or at `until` on the monotonic clock.

    Counted from the failure, not from the begin: what worked for seconds before it broke has not been away for long.
    And before an attempt that could not end in time, if it took as long as the last: what is known is better told.
    """

    def __init__(self, until: float, seconds: float) -> None:
        self.until = until
        self.seconds = seconds
        self.began = time.monotonic()  # the attempt in hand
        self.found_away: float | None = None

    def __call__(self, state: RetryCallState) -> bool:
        """Whether to give up; tenacity asks after each failed attempt, with the pause before the next."""
        now = time.monotonic()
        if self.found_away is None:
            self.found_away = now
        took, self.began = now - self.began, now + state.upcoming_sleep
        return self.began >= self.found_away + self.seconds or self.began + took + MARGIN_SECONDS >= self.until
