"""Ctrl-C and SIGTERM: both end a command through KeyboardInterrupt, so that it can clean up."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(signum: int, frame: FrameType | None) -> None:
    """Leave what is being done."""
    raise KeyboardInterrupt


def handle_all() -> None:
    """From here on SIGTERM and a closed terminal do what Ctrl-C does."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background job
            signal.signal(number, interrupt)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put off signals until the block is done: for steps that must not be left half-way.

    Signals come to the main thread only; in another one there is nothing to put off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda signum, frame: came.append(signum))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            raise KeyboardInterrupt
