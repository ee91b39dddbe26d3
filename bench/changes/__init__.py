"""How long changes take."""

from bench.changes.measure import main

__all__ = ["main"]
