"""Calls to other services over HTTP."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from common import deadline
from common.errors import NOTHING_BEGUN, Problem

# A service that is being restarted is away for about as long.
RECONNECT_SECONDS = 3.0
# By so much the one who is asked gives up before we do, so that its answer still reaches us.
MARGIN_SECONDS = 0.05


class ServiceClient:
    """Calls one other service; keeps its connections open between calls.

    `timeout` bounds the wait for an answer, in seconds; a request's own deadline shortens it. Every POST of
    ours is idempotent (an order's id or an idempotency key is in it), so a call whose connection was refused
    or broke is made again for a few seconds. One that timed out is not: the caller would not wait for it.
    """

    def __init__(self, name: str, base_url: str, timeout: float) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self.session = requests.Session()
        # Proxies and .netrc are for the world outside; reading them costs each call too.
        self.session.trust_env = False
        adapter = HTTPAdapter(pool_maxsize=64)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """The JSON of a 2xx answer.

        Problem with the other side's status and detail when it answers 4xx or 5xx, 504 when it does not
        answer in time, 503 when it cannot be reached.
        """
        attempts = Retrying(
            stop=stop_after_delay(RECONNECT_SECONDS),
            wait=wait_exponential_jitter(multiplier=0.05, max=0.5, jitter=0.1),
            retry=retry_if_exception(_connection_failed),
            reraise=True,
        )
        try:
            response = attempts(self._attempt, method, path, **arguments)
        except requests.ReadTimeout as error:
            raise Problem(504, f"{self.name} did not answer in time") from error
        except requests.RequestException as error:
            raise Problem(503, f"{self.name} cannot be reached", headers={"Retry-After": "1"}) from error
        if response.ok:
            return response.json()
        problem = _problem_of(self.name, response)
        if attempts.statistics["attempt_number"] > 1 and problem.extra.get("reason") in NOTHING_BEGUN:
            # This attempt was refused before anything was begun; the one whose connection broke may not have been.
            del problem.extra["reason"]
        raise problem

    def _attempt(
        self, method: str, path: str, headers: dict[str, str] | None = None, **arguments: Any
    ) -> requests.Response:
        seconds = self.timeout
        if (left := deadline.remaining()) is not None:
            seconds = min(seconds, left)
        theirs = seconds - MARGIN_SECONDS
        if theirs <= 0:
            raise Problem(504, f"no time was left to ask {self.name}")
        headers = {**(headers or {}), deadline.HEADER: str(int(theirs * 1000))}
        return self.session.request(
            method, self.base_url + path, timeout=(min(1.0, seconds), seconds), headers=headers, **arguments
        )

    def check(self) -> None:
        """Raise when the service's process does not answer: a check for `/readyz`."""
        self.session.get(self.base_url + "/healthz", timeout=1.0).raise_for_status()


def _connection_failed(error: BaseException) -> bool:
    """Refused, reset, closed or never made (a container that is away does not refuse); not an answer that is late."""
    return isinstance(error, requests.ConnectionError) and not isinstance(error, requests.ReadTimeout)


def _problem_of(name: str, response: requests.Response) -> Problem:
    """The other side's problem, to be passed on to our own caller."""
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return Problem(502, f"{name} answered {response.status_code} and no problem+json")
    extra = {key: value for key, value in body.items() if key not in ("type", "title", "status", "detail")}
    headers = {"Retry-After": response.headers["Retry-After"]} if "Retry-After" in response.headers else {}
    return Problem(response.status_code, str(body.get("detail", "")), headers=headers, **extra)
