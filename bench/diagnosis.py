"""How fast a trace is read and diagnosed: `python -m bench.diagnosis [--spans 10000] [--growth] [--json]`.

The trace is a checkout-like tree made on the spot: requests, statements, calls, some errors and repeats.
Nothing needs to run for it. With --growth the steps are measured with 1,000, 10,000 and 100,000 spans, and none may
grow faster than n log n.
"""

import argparse
import gc
import json
import math
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from workshop.traces.comparison.two_traces import diff
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.model.trace import Span, Trace
from workshop.traces.showing import rows
from workshop.traces.sources.files import traces_of
from workshop.traces.time.account import account
from workshop.traces.time.critical_path import critical_path

SPANS = 10_000
LIMIT_MS = 300.0  # for that many spans, reading the JSON included
GROWTH = (1_000, 10_000, 100_000)
# Times more than n log n that a step may take: caches and the memory of the larger trace cost, too.
SLACK = 2.0


def otlp(spans: int, seed: int = 1) -> dict[str, Any]:
    """An OTLP JSON document with one trace of that many spans in six services, up to 12 levels deep."""
    rng = random.Random(seed)
    services = ["gateway", "order", "inventory", "payment", "search", "mail"]
    by_service: dict[str, list[dict[str, Any]]] = {service: [] for service in services}
    t0 = 1_795_449_600_000_000_000
    whole = spans * 120_000
    made: list[tuple[int, int, int]] = []  # start, end, depth
    for number in range(spans):
        parent = rng.randrange(max(0, number - 200), number) if number else 0
        if number and made[parent][2] >= 12:
            parent = 0
        low, high, depth = made[parent] if number else (t0, t0 + whole, -1)
        start = low + rng.randrange(max((high - low) // 2, 1)) if number else low
        end = min(high, start + rng.randrange(max((high - start), 1)) + 1) if number else high
        made.append((start, end, depth + 1))
        span = work(rng, number)
        span |= {
            "traceId": "5ca1ab1e" + "0" * 24,
            "spanId": f"{number + 1:016x}",
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(end),
        }
        if number:
            span["parentSpanId"] = f"{parent + 1:016x}"
        by_service[rng.choice(services) if number else "gateway"].append(span)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes({"service.name": service, "host.name": "one"})},
                "scopeSpans": [{"scope": {"name": "bench"}, "spans": found}],
            }
            for service, found in by_service.items()
        ]
    }


def work(rng: random.Random, number: int) -> dict[str, Any]:
    """A request, a statement, a call or a step."""
    choice = rng.randrange(4) if number else 0
    if choice == 0:
        return {
            "name": "POST /orders",
            "kind": 2,
            "attributes": attributes(
                {"http.request.method": "POST", "http.route": "/orders", "http.response.status_code": 201}
            ),
        }
    if choice == 1:
        text = f"SELECT id, name FROM item{rng.randrange(20)} WHERE id = {rng.randrange(10_000)}"
        return {
            "name": "SELECT",
            "kind": 3,
            "attributes": attributes({"db.system.name": "postgresql", "db.namespace": "shop", "db.query.text": text}),
        }
    if choice == 2:
        status = 503 if rng.random() < 0.01 else 200
        return {
            "name": "GET",
            "kind": 3,
            "attributes": attributes(
                {
                    "http.request.method": "GET",
                    "url.full": f"http://items:8082/items/{rng.randrange(10_000)}",
                    "http.response.status_code": status,
                }
            ),
            "status": {"code": 2} if status == 503 else {},
        }
    return {"name": f"step {rng.randrange(50)}", "kind": 1, "attributes": attributes({"thread.id": rng.randrange(8)})}


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP's JSON has them."""
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]


def measure(action: Callable[[Trace], Any], spans: list[Span], times: int) -> dict[str, float]:
    """Median milliseconds of CPU and on the clock, and the worst on the clock; each time of a trace made anew."""
    cpu, wall = [], []
    for _ in range(times):
        trace = Trace(spans)  # what is worked out once for a trace is worked out in every run
        gc.collect()  # what the run before left behind is not this one's work
        started, worked = time.perf_counter(), time.process_time()
        action(trace)
        cpu.append((time.process_time() - worked) * 1000)
        wall.append((time.perf_counter() - started) * 1000)
    return {
        "cpu_ms": round(statistics.median(cpu), 1),
        "ms": round(statistics.median(wall), 1),
        "worst_ms": round(max(wall), 1),
    }


def measured(spans: int, runs: int) -> dict[str, dict[str, float]]:
    """The times of every step, for a trace of so many spans."""
    text = json.dumps(otlp(spans))
    made = traces_of(json.loads(text))[0].spans
    steps: dict[str, Callable[[Trace], Any]] = {
        "read JSON": lambda _: traces_of(json.loads(text)),
        "critical path": critical_path,
        "account": lambda trace: account(trace).lines,
        "diagnose": diagnose,
        "read and diagnose": lambda _: diagnose(traces_of(json.loads(text))[0]),
        "waterfall's rows": rows.table,
        "diff with itself": lambda trace: diff(trace, trace),
    }
    return {name: measure(action, made, runs) for name, action in steps.items()}


def growth(runs: int, *, as_json: bool) -> int:
    """Measures every step with more and more spans; exit code 1 when one grows faster than n log n."""
    cpu: dict[str, list[float]] = {}
    for spans in GROWTH:
        for name, times in measured(spans, max(1, min(runs, 100_000 // spans))).items():
            cpu.setdefault(name, []).append(times["cpu_ms"])
    allowed = SLACK * GROWTH[-1] * math.log(GROWTH[-1]) / (GROWTH[-2] * math.log(GROWTH[-2]))
    grown = {name: round(times[-1] / max(times[-2], 1.0), 1) for name, times in cpu.items()}
    too_fast = [name for name, factor in grown.items() if factor > allowed]
    if as_json:
        print(
            json.dumps({"spans": GROWTH, "cpu_ms": cpu, "last_factor": grown, "allowed": round(allowed, 1)}, indent=2)
        )
        return 1 if too_fast else 0
    print(f"CPU in ms with {', '.join(f'{spans:,}' for spans in GROWTH)} spans, and the last one's factor")
    for name, row in cpu.items():
        print(f"  {name:20}" + "".join(f" {ms:10.1f}" for ms in row) + f"  x {grown[name]:.1f}")
    kept = f"NOT kept by {', '.join(too_fast)}" if too_fast else "kept"
    print(f"limit: a factor of {allowed:.1f} (n log n is {allowed / SLACK:.1f}): {kept}")
    return 1 if too_fast else 0


def main() -> int:
    """Prints the median and the worst of several runs of each step."""
    parser = argparse.ArgumentParser(prog="python -m bench.diagnosis", description=__doc__)
    parser.add_argument("--spans", type=int, default=SPANS, help="size of the trace (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each step (default: %(default)s)")
    parser.add_argument("--growth", action="store_true", help="with 1,000, 10,000 and 100,000 spans instead")
    parser.add_argument("--json", action="store_true", help="print data instead of text")
    arguments = parser.parse_args()
    if arguments.spans < 1 or arguments.runs < 1:
        parser.error("--spans and --runs must be at least 1")
    if arguments.growth:
        return growth(arguments.runs, as_json=arguments.json)
    results = measured(arguments.spans, arguments.runs)
    size = len(json.dumps(otlp(arguments.spans)))
    if arguments.json:
        data = {
            "spans": arguments.spans,
            "bytes": size,
            "limit_ms": LIMIT_MS,
            "steps": results,
        }
        print(json.dumps(data, indent=2))
        return 0
    print(f"a trace of {arguments.spans:,} spans, {size / 1e6:.1f} MB of JSON; medians of {arguments.runs} runs, in ms")
    print(f"  {'':20} {'CPU':>8} {'clock':>8} {'worst':>8}")
    for name, result in results.items():
        print(f"  {name:20} {result['cpu_ms']:8.1f} {result['ms']:8.1f} {result['worst_ms']:8.1f}")
    if arguments.spans == SPANS:
        # One thread: on an idle machine the clock shows what the CPU time is.
        kept = "kept" if results["read and diagnose"]["cpu_ms"] <= LIMIT_MS else "NOT kept"
        print(f"limit: read and diagnose with {LIMIT_MS:.0f} ms of CPU: {kept}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
