"""Answers that serve everyone who asks the same within a moment, made once however many ask at the same time."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from workshop.share.passing import Answer

MOST_BYTES = 32_000_000
# While one visitor waits for a new answer the others get the last one, so long after its time. On a busy machine a
# search takes seconds, and a room that waits for it each time waits most of the time.
WHILE_REMADE_SECONDS = 4.0


class Kept:
    """The answers of the last moments, by what was asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[float, float, Answer]] = {}  # good until, of use until; the oldest first
        self._making: dict[str, Future[Answer]] = {}

    def get(self, key: str, seconds: float, make: Callable[[], Answer]) -> Answer:
        """The answer to `key`, at most `seconds` old, or WHILE_REMADE_SECONDS more while somebody has it made anew.

        Made by the first who asks; the others wait where there is none.
        """
        now = self._clock()
        with self._lock:
            self._forget(now)
            making = self._making.get(key)
            if key in self._answers and (making or now < self._answers[key][0]):
                return self._answers[key][2]
            if making is None:
                mine = self._making[key] = Future()
        if making is not None:
            return making.result()
        try:
            answer = make()
        except BaseException as error:
            with self._lock:
                del self._making[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._making[key]
            self._answers.pop(key, None)
            # What failed is not worth keeping, nor what would fill the memory.
            if answer.status < 500 and len(answer.body) < MOST_BYTES // 4:
                good = self._clock() + seconds
                # What was not there, or not yet, is no answer to go on with.
                self._answers[key] = (good, good + WHILE_REMADE_SECONDS * (answer.status == 200), answer)
        mine.set_result(answer)
        return answer

    def _forget(self, now: float) -> None:
        """Drop what is too old, and the oldest of what is too much."""
        self._answers = {key: each for key, each in self._answers.items() if each[1] > now}
        size = sum(len(answer.body) for *_, answer in self._answers.values())
        for key in list(self._answers):
            if size <= MOST_BYTES:
                break
            size -= len(self._answers.pop(key)[2].body)
