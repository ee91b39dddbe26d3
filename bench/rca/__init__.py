"""Whether the service at fault is among the suspects, on public injected faults."""

from bench.rca.measure import main

__all__ = ["main"]
