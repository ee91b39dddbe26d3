"""How often somebody may: a token bucket for each key, for a bounded number of keys."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST_KEYS = 10_000


class Rate:
    """`burst` at once, and `per_second` on the long run, for each key."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.burst, self.per_second, self._clock = burst, per_second, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, and when that was so
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """0 when the key may, which is then counted; else the seconds until it may."""
        now = self._clock()
        with self._lock:
            left, since = self._left.pop(key, (self.burst, now))
            left = min(self.burst, left + (now - since) * self.per_second)
            allowed = left >= 1
            self._left[key] = (left - allowed, now)
            # The one that has not come for longest has the fullest bucket, or nearly.
            while len(self._left) > MOST_KEYS:
                self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self.per_second


class AtOnce:
    """So many under way at a time for each key."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._under_way: dict[str, int] = {}
        self._lock = threading.Lock()

    @contextmanager
    def one(self, key: str) -> Iterator[bool]:
        """Whether the key may have another one; it is over when the block is left."""
        with self._lock:
            allowed = self._under_way.get(key, 0) < self.most
            if allowed:
                self._under_way[key] = self._under_way.get(key, 0) + 1
        try:
            yield allowed
        finally:
            if allowed:
                with self._lock:
                    self._under_way[key] -= 1
                    if not self._under_way[key]:
                        del self._under_way[key]
