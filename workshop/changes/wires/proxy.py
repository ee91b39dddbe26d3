"""An old HTTP proxy: it passes on the headers that it knows, and drops the others.

What a WAF, an API gateway or a service mesh of before trace context does with a list of allowed headers.
"""

import argparse
import http.client
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What it knows: HTTP's own, and what was put on its list because money depends on it. `traceparent` came later.
KNOWS = (
    *("Accept", "Accept-Encoding", "Authorization", "Content-Type", "User-Agent", "Idempotency-Key", "X-Timeout-Ms"),
    *("Retry-After", "Location", "WWW-Authenticate", "ETag", "Cache-Control"),
)
# Longer than any call may take.
TIMEOUT_SECONDS = 30.0


class Proxy(ThreadingHTTPServer):
    """Listens, and asks one other in its callers' place."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, bind: tuple[str, int], to: str, knows: tuple[str, ...]) -> None:
        super().__init__(bind, Handler)
        self.to = to
        self.knows = frozenset(name.lower() for name in knows)


class Handler(BaseHTTPRequestHandler):
    """One caller's connection."""

    server: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def pass_on(self) -> None:
        """Hand on a request and its answer. Where the other side breaks off so do we: who knows what it has done?"""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() in self.server.knows}
        upstream = http.client.HTTPConnection(self.server.to, timeout=TIMEOUT_SECONDS)
        try:
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        finally:
            upstream.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() in self.server.knows:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = pass_on

    def log_message(self, format: str, *args: object) -> None:
        """It says nothing of its calls: nobody looks into it."""


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bind", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--knows", default=",".join(KNOWS))
    given = parser.parse_args()
    host, _, port = given.bind.rpartition(":")
    with Proxy((host, int(port)), given.to, tuple(given.knows.split(","))) as proxy:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=proxy.shutdown).start())
        proxy.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
