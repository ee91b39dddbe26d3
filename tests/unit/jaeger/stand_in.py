"""A stand-in that runs in a thread of the test, and the ways to talk to it."""

import threading
from typing import Any

import requests

from services.jaeger.server import Server
from services.jaeger.settings import Settings


class StandIn:
    """A running stand-in and the ways to talk to it."""

    def __init__(self, settings: Settings) -> None:
        self.server = Server(settings)
        self.otlp_url = f"http://127.0.0.1:{self.server.otlp_port}/v1/traces"
        self.query_url = f"http://127.0.0.1:{self.server.query_port}"
        self.session = requests.Session()
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        """GET a path of the query API."""
        return self.session.get(self.query_url + path, timeout=30, **kwargs)

    def json(self, path: str, **kwargs: Any) -> Any:
        """GET a path of the query API that must answer 200 and JSON."""
        response = self.get(path, **kwargs)
        assert response.status_code == 200, response.text
        return response.json()

    def export(self, body: bytes, content_type: str = "application/x-protobuf", **headers: str) -> requests.Response:
        """POST a body to the OTLP receiver."""
        told = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.session.post(self.otlp_url, data=body, headers=told, timeout=30)

    def post(self, body: bytes) -> int:
        """Export a protobuf batch on a connection of its own, as several threads may; the answer's status."""
        headers = {"Content-Type": "application/x-protobuf"}
        return requests.post(self.otlp_url, data=body, headers=headers, timeout=30).status_code

    def close(self) -> None:
        """Stop it and wait until it has."""
        self.server.stop()
        self._thread.join()
        self.session.close()
