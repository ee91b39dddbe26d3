"""Run measurements: `python -m bench [NAME ...]`, all of them without a name; `--list` names them."""

import argparse
import importlib
import sys

MEASUREMENTS = {
    "slowdown": "the checkout with and without the index",
    "delay": "how long until a trace can be read",
    "memory": "the memory of the stack at rest",
    "tracing": "checkout throughput with tracing and without",
    "queues": "taking messages while a snapshot is open",
    "telemetry": "checkouts while the telemetry pipeline is broken",
    "backend": "the stand-in trace backend: ingest, memory, queries",
    "changes": "seconds until a change of each kind is made, and undone",
    "room": "sixty browsers on a shared workshop beside eight customers",
    "diagnosis": "reading a large trace",
    "verdicts": "what is said of single checkouts, at rest and under load",
    "rca": "the service at fault among the suspects, on public injected faults",
}


def main() -> None:
    """Run what was named, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--list", action="store_true", help="say what each one measures")
    options = parser.parse_args()
    if options.list:
        for name, meaning in MEASUREMENTS.items():
            print(f"{name:10} {meaning}")
        return
    unknown = [name for name in options.names if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"there is no measurement {', '.join(unknown)}: try {', '.join(MEASUREMENTS)}")
    for name in options.names or MEASUREMENTS:
        print(f"\n== {name}: {MEASUREMENTS[name]}", flush=True)
        sys.argv = [f"python -m bench.{name}"]
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
