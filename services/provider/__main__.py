"""Run the provider: `python -m services.provider`."""

import os

from common.serving.http_server import Server, address, serve
from services.provider.app import create_app

if __name__ == "__main__":
    # A thread is busy for the whole latency: 64 of them give some 1,400 charges a second, unless fewer are let work.
    bind = address(os.environ.get("BIND", "127.0.0.1:8084"))
    serve(Server(create_app(), bind, threads=64, most_body=16 * 1024))
