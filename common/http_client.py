"""Calls to other services over HTTP."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from common.errors import Problem


class ServiceClient:
    """Calls one other service; keeps its connections open between calls.

    `timeout` bounds each wait for bytes, in seconds: give less than the caller has left.
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
        try:
            response = self.session.request(method, self.base_url + path, timeout=(1.0, self.timeout), **arguments)
        except requests.ReadTimeout as error:
            raise Problem(504, f"{self.name} did not answer within {self.timeout:g} s") from error
        except requests.RequestException as error:
            raise Problem(503, f"{self.name} cannot be reached", headers={"Retry-After": "1"}) from error
        if response.ok:
            return response.json()
        raise _problem_of(self.name, response)

    def check(self) -> None:
        """Raise when the service's process does not answer: a check for `/readyz`."""
        self.session.get(self.base_url + "/healthz", timeout=1.0).raise_for_status()


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
