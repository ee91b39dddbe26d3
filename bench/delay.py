"""How long after a checkout's answer its whole trace can be read through the query API.

python -m bench.delay [--checkouts 100]
"""

import argparse
import http.client
import statistics
import tempfile
import time
from pathlib import Path

from bench import load
from bench.slowdown import whole
from workshop.stack.local.scratch import ScratchStack
from workshop.traces.sources.jaeger import JaegerClient


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkouts", type=int, default=100, help="how many, one after the other")
    count = parser.parse_args().checkouts
    delays = []
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        stack.must("fix")
        jaeger = JaegerClient(stack.settings.jaeger_url)
        connection = http.client.HTTPConnection("127.0.0.1", stack.settings.gateway_port, timeout=30)
        for _ in range(count):
            _, answer = load.checkout(connection)
            answered = time.perf_counter()
            jaeger.wait_for_trace(str(answer["trace_id"]), until=whole)
            delays.append((time.perf_counter() - answered) * 1000)
    cuts = statistics.quantiles(delays, n=20)
    print(f"a trace is whole after: p50 {statistics.median(delays):.0f} ms, p95 {cuts[18]:.0f} ms ({count} checkouts)")


if __name__ == "__main__":
    main()
