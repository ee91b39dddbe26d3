"""What `spans diagnose ID` says of single checkouts, at rest and beside the load of eight customers, with and without
the index: how many of the traces are told right.

python -m bench.verdicts [--traces 20] [--customers 8] [--seconds 60]
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench import load
from workshop.stack.local.scratch import ScratchStack
from workshop.traces.sources.jaeger import JaegerClient

# What the verdict is without the index; with it, it is "healthy".
MISSING = "an index on (sku) is missing"
# A trace's spans have come by then, from every process.
SETTLED_SECONDS = 3.0


def told(stack: ScratchStack, traces: int) -> tuple[Counter[str], list[float]]:
    """What is said of so many of the last whole checkouts, and the seconds that each took to be said."""
    client = JaegerClient(stack.settings.jaeger_url)
    before = time.time() - SETTLED_SECONDS
    found = client.search("gateway", "POST /checkout", start=before - 60, end=before, limit=traces)
    said, took = Counter[str](), list[float]()
    for each in found:
        began = time.monotonic()
        answer = json.loads(stack.must("diagnose", each.trace_id, "--json"))
        took.append(time.monotonic() - began)
        problems = [one["title"] for one in answer["findings"] if one["severity"] == "problem"]
        said["healthy" if answer["healthy"] else problems[0].partition(":")[2] if problems else answer["verdict"]] += 1
    return said, took


def measure(stack: ScratchStack, options: argparse.Namespace, customers: int, name: str, right: str) -> None:
    """Have the customers buy, and meanwhile the diagnosis say what is wrong."""
    with ProcessPoolExecutor(1) as process:
        buying = process.submit(load.run, stack.settings.gateway_port, customers, options.seconds)
        time.sleep(options.seconds / 4)  # enough of them have bought
        said, took = told(stack, options.traces)
        bought = buying.result()
    well = sum(count for words, count in said.items() if right in words)
    print(f"{name:40}{bought.rate:8.1f} /s{well:6} of {said.total():3} right{max(took):8.1f} s at most", flush=True)
    for words, count in said.items():
        if right not in words:
            print(f"    {count} x {words}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=20)
    parser.add_argument("--customers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ScratchStack(Path(folder) / "state").running() as stack:
        for customers, when in ((1, "one customer"), (options.customers, f"{options.customers} customers")):
            measure(stack, options, customers, f"index missing, {when}", MISSING)
        stack.must("fix")
        for customers, when in ((1, "one customer"), (options.customers, f"{options.customers} customers")):
            measure(stack, options, customers, f"index there, {when}", "healthy")


if __name__ == "__main__":
    main()
