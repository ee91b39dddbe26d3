"""Starts Locust: `python -m workshop.load.start …` instead of `python -m locust …`.

It takes seconds to load, and until its customers run there is nothing to sum up: Ctrl-C then just ends it, without a
traceback. The locustfile gives Ctrl-C back its meaning.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)

from locust.main import main  # noqa: E402

main()  # type: ignore[no-untyped-call]
