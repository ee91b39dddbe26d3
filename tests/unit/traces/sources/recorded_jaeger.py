"""An HTTP server that answers as a recorded Jaeger did, or as an older one would have."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

RECORDED = Path(__file__).parents[3] / "contract" / "jaeger-2.20-answers.jsonl"
PAGE = b"<!doctype html><html><body>Jaeger UI</body></html>"


class Recorded(ThreadingHTTPServer):
    """Serves the recorded answers; `old` answers trace summaries with the page, as Jaeger before 2.19 does."""

    daemon_threads = True

    def __init__(self, old: bool = False, gone: tuple[str, ...] = ()) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.old, self.gone = old, gone
        self.asked: list[str] = []
        self.targets: list[str] = []
        self.answers: dict[str, tuple[int, str, Any]] = {}
        for line in RECORDED.read_text().splitlines():
            entry = json.loads(line)
            method, target = entry["request"].split(" ", 1)
            if method == "GET" and self.answers.get(key(target), (0,))[0] != 200:
                self.answers[key(target)] = (entry["status"], entry["content_type"], entry["answer"])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


def key(target: str) -> str:
    """The path, and of the query what chooses the answer: not the times, nor how many."""
    parts = urlsplit(target)
    chosen = {
        name.removeprefix("query."): values[0]
        for name, values in parse_qs(parts.query).items()
        if not any(word in name.lower() for word in ("start", "end", "depth", "limit", "lookback"))
    }
    return json.dumps([parts.path, sorted(chosen.items())])


class Handler(BaseHTTPRequestHandler):
    """Looks the request up among the recorded ones."""

    server: Recorded

    def do_GET(self) -> None:
        """One answer."""
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        self.server.targets.append(self.path)
        if path in self.server.gone:
            self.send(404, "text/plain; charset=utf-8", b"404 page not found\n")
            return
        found = self.server.answers.get(key(self.path))
        if (self.server.old and path == "/api/v3/trace-summaries") or (not found and not path.startswith("/api")):
            self.send(200, "text/html; charset=utf-8", PAGE)
        elif not found:
            self.send(404, "text/plain", b'{"error":{"httpCode":404,"message":"No traces found"}}')
        else:
            status, kind, answer = found
            self.send(status, kind, (answer if isinstance(answer, str) else json.dumps(answer)).encode())

    def send(self, status: int, kind: str, body: bytes) -> None:
        """Status, type, body."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    """Runs the server on a thread; the value is its URL."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
