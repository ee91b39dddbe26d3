"""The checkout without the index against the checkout with it: one client, three products, and the SQL span alone.

python -m bench.slowdown [--checkouts 30]
"""

import argparse
import http.client
import statistics
import tempfile
import time
from pathlib import Path

from bench import load
from workshop.stack.local.scratch import ScratchStack
from workshop.traces.model.trace import Trace
from workshop.traces.sources.jaeger import JaegerClient

# Of a checkout whose products are in the cache; a miss has four more.
SPANS = 16
SCAN = "SELECT stock_movement"


def whole(trace: Trace) -> bool:
    """Whether all of a checkout's spans have arrived: with the lookup's question in it, that one's, too."""
    names = [span.name for span in trace.spans]
    return len(names) >= SPANS + 4 * ("GET" in names) and SCAN in names


def fire(stack: ScratchStack, count: int) -> tuple[float, float]:
    """The medians of `count` checkouts in a row and of their ledger spans, in ms."""
    jaeger = JaegerClient(stack.settings.jaeger_url)
    connection = http.client.HTTPConnection("127.0.0.1", stack.settings.gateway_port, timeout=30)
    load.checkout(connection)
    times, ids = [], []
    for _ in range(count):
        began = time.perf_counter()
        status, answer = load.checkout(connection)
        times.append((time.perf_counter() - began) * 1000)
        assert status == 201, answer
        ids.append(str(answer["trace_id"]))
    traces = [jaeger.wait_for_trace(each, until=whole) for each in ids]
    scans = [(span.end - span.start) / 1e6 for trace in traces for span in trace.spans if span.name == SCAN]
    return statistics.median(times), statistics.median(scans)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkouts", type=int, default=30, help="how many of each kind")
    count = parser.parse_args().checkouts
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        broken, broken_scan = fire(stack, count)
        stack.must("fix")
        fixed, fixed_scan = fire(stack, count)
    print(f"{'p50 of':28}{'broken':>12}{'fixed':>12}{'ratio':>8}")
    print(f"{'the checkout':28}{broken:9.1f} ms{fixed:9.1f} ms{broken / fixed:8.1f}")
    print(f"{'the span ' + SCAN:28}{broken_scan:9.1f} ms{fixed_scan:9.2f} ms{broken_scan / fixed_scan:8.0f}")


if __name__ == "__main__":
    main()
