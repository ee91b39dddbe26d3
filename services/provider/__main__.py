"""Run the provider: `python -m services.provider`."""

import os

from waitress import serve

from services.provider.app import create_app

if __name__ == "__main__":
    # A thread is busy for the whole latency: 64 of them give some 1,400 charges a second.
    serve(create_app(), listen=os.environ.get("BIND", "127.0.0.1:8084"), threads=64, ident=None)
