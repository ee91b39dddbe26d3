"""A request's deadline: how long its caller still waits, handed on from service to service.

The header holds what is left in ms, not a point in time: clocks differ. Work for a caller that has gone is
only load, so it is refused, and no call waits longer than the caller does.
"""

import time

from flask import g, has_request_context, request

from common.errors import Problem

HEADER = "X-Timeout-Ms"


def begin(default_seconds: float) -> None:
    """Note when the request in hand must be answered; Problem 400 for a header that is no number of ms."""
    seconds = default_seconds
    given = request.headers.get(HEADER)
    if given is not None:
        if not (given.isascii() and given.isdigit() and len(given) <= 7):
            raise Problem(400, f"{HEADER} must be a number of milliseconds")
        seconds = min(seconds, int(given) / 1000)
    g.deadline = time.monotonic() + seconds


def remaining() -> float | None:
    """Seconds until the deadline; None outside of a request."""
    if not has_request_context() or "deadline" not in g:
        return None
    return float(g.deadline - time.monotonic())
