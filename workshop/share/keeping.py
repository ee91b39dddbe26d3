"""Answers that serve everyone who asks the same within a moment, made once however many ask at the same time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from workshop.share.passing import Answer

MOST_BYTES = 32_000_000


class Kept:
    """The answers of the last moments, by what was asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[float, Future[Answer]]] = OrderedDict()  # until when

    def get(self, key: str, seconds: float, make: Callable[[], Answer]) -> Answer:
        """The answer to `key`, at most `seconds` old; made by the first who asks, waited for by the others."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            known = self._answers.get(key)
            if known is None:
                mine: Future[Answer] = Future()
                self._answers[key] = (float("inf"), mine)
        if known is not None:
            return known[1].result()
        try:
            answer = make()
        except BaseException as error:
            with self._lock:
                del self._answers[key]
            mine.set_exception(error)
            raise
        with self._lock:
            # What failed is not worth keeping, nor what would fill the memory.
            del self._answers[key]
            if answer.status < 500 and len(answer.body) < MOST_BYTES // 4:
                self._answers[key] = (self._clock() + seconds, mine)
        mine.set_result(answer)
        return answer

    def _forget(self, now: float) -> None:
        """Drop what is too old, and the oldest of what is too much."""
        for key in [key for key, (until, _) in self._answers.items() if until <= now]:
            del self._answers[key]
        done = [(key, len(future.result().body)) for key, (_, future) in self._answers.items() if future.done()]
        size = sum(length for _, length in done)
        for key, length in done:
            if size <= MOST_BYTES:
                break
            del self._answers[key]
            size -= length
