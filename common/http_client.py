"""Calls to other services over HTTP."""

import math
import time
from collections.abc import Callable, Container
from typing import Any

import requests
from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from common import deadline
from common.errors import DATABASE_AWAY, DATABASE_LOST, NO_TIME, NOTHING_BEGUN, UNREACHABLE, Problem
from common.patience import BRIEFLY, MARGIN_SECONDS, RECONNECT_SECONDS, AwayTooLong
from common.telemetry import Adapter, note_attempt

# The 4xx that are our caller's business. A 401 is not: it is between the two services.
PASSED_ON = frozenset(range(400, 500)) - {401}


class ServiceClient:
    """Calls one other service; keeps its connections open between calls.

    `timeout` bounds a call, in seconds, with all its attempts; a request's own deadline shortens it. Every call of
    ours is idempotent (an order's id or an idempotency key is in it), so one whose connection was refused or broke,
    or whose receiver's database did, is made again for RECONNECT_SECONDS. One that timed out is not: the caller
    would not wait for it.

    `secret` proves to the other side who we are.
    """

    def __init__(self, name: str, base_url: str, timeout: float, secret: SecretStr | None = None) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self.session = requests.Session()
        # Proxies and .netrc are for the world outside; reading them costs each call too.
        self.session.trust_env = False
        if secret is not None:
            self.session.headers["Authorization"] = f"Bearer {secret.get_secret_value()}"
        adapter = Adapter()
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)

    def call(
        self,
        method: str,
        path: str,
        *,
        passed_on: Container[int] = PASSED_ON,
        keep: float = 0.0,
        until: float | None = None,
        **arguments: Any,
    ) -> Any:
        """The JSON of a 2xx answer. Of its own request's time it leaves `keep` seconds; a thread beside the request's
        says `until` when, on the monotonic clock, that lasts.

        Problem with the other side's status and detail when it answers 5xx, or a 4xx in `passed_on`; 502 for any
        other 4xx, which is a fault of ours and not our caller's; 504 when it does not answer in time, 503 when it
        cannot be reached. It is not `sure` after an attempt that may have been carried out.
        """
        seconds = self.timeout
        if (left := deadline.remaining()) is not None:
            seconds = min(seconds, left - keep)
        until = min(time.monotonic() + seconds, math.inf if until is None else until)
        lost: list[Exception] = []

        def attempt() -> requests.Response:
            try:
                response = self._attempt(until, method, path, **arguments)
                if response.status_code == 503 and _away(problem := _problem_of(self.name, response, passed_on)):
                    raise problem
                return response
            except (Problem, requests.RequestException) as error:
                if _away(error) and not _nothing_begun(error):
                    lost.append(error)
                raise

        try:
            return self._answer(attempt, until, passed_on)
        except Problem as problem:
            if lost:
                problem.sure = False
                if problem.extra.get("reason") in NOTHING_BEGUN:
                    # By this attempt. The one whose connection broke may have begun.
                    del problem.extra["reason"]
            raise

    def _answer(self, attempt: Callable[[], requests.Response], until: float, passed_on: Container[int]) -> Any:
        """What `call` returns; it makes attempts until one has an answer."""
        attempts = Retrying(
            stop=AwayTooLong(until, RECONNECT_SECONDS),
            wait=BRIEFLY,
            retry=retry_if_exception(_away),
            before=note_attempt,
            reraise=True,
        )
        try:
            response = attempts(attempt)
        except requests.ReadTimeout as error:
            raise Problem(504, f"{self.name} did not answer in time") from error
        except requests.ConnectionError as error:
            retry = {"Retry-After": "1"}
            raise Problem(503, f"{self.name} cannot be reached", headers=retry, reason=UNREACHABLE) from error
        except requests.RequestException as error:
            raise Problem(502, f"{self.name}'s answer cannot be read ({type(error).__name__})") from error
        if not response.ok:
            raise _problem_of(self.name, response, passed_on)
        try:
            return response.json()
        except requests.JSONDecodeError as error:
            unread = Problem(502, f"{self.name} answered {response.status_code} and no JSON")
            unread.theirs = response.status_code
            raise unread from error

    def _attempt(
        self, until: float, method: str, path: str, headers: dict[str, str] | None = None, **arguments: Any
    ) -> requests.Response:
        seconds = until - time.monotonic()
        theirs = seconds - MARGIN_SECONDS
        if theirs <= 0:
            raise Problem(504, f"no time was left to ask {self.name}", reason=NO_TIME)
        headers = {**(headers or {}), deadline.HEADER: str(int(theirs * 1000))}
        return self.session.request(
            method, self.base_url + path, timeout=(min(1.0, seconds), seconds), headers=headers, **arguments
        )


def _away(error: BaseException) -> bool:
    """Whether the service, or its database, may be there again soon.

    An answer that names an order is the end of this attempt: its order has been decided, or will be.
    """
    if isinstance(error, Problem):
        return error.extra.get("reason") in (DATABASE_AWAY, DATABASE_LOST) and "order_id" not in error.extra
    return _connection_failed(error)


def _connection_failed(error: BaseException) -> bool:
    """Refused, reset, closed in the middle of an answer, or never made (a container that is away does not refuse)."""
    broken = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    # An answer that is late may still come.
    return isinstance(error, broken) and not isinstance(error, requests.ReadTimeout)


def _nothing_begun(error: Exception) -> bool:
    """Whether a failed attempt certainly left nothing behind."""
    if isinstance(error, Problem):
        return error.refused
    return isinstance(error, requests.ConnectionError) and never_made(error)


def never_made(error: requests.ConnectionError) -> bool:
    """Whether there was no connection at all, so that nothing can have been sent on it."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _problem_of(name: str, response: requests.Response, passed_on: Container[int]) -> Problem:
    """The other side's problem, to be passed on to our own caller."""
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return Problem(502, f"{name} answered {response.status_code} and no problem+json")
    if response.status_code < 500 and response.status_code not in passed_on:
        ours = Problem(502, f"{name} refused the call with {response.status_code}: {body.get('detail', '')}")
        ours.theirs = response.status_code
        return ours
    extra = {key: value for key, value in body.items() if key not in ("type", "title", "status", "detail")}
    headers = {"Retry-After": response.headers["Retry-After"]} if "Retry-After" in response.headers else {}
    return Problem(response.status_code, str(body.get("detail", "")), headers=headers, **extra)
