"""Run the measurement: `python -m bench.changes`."""

from bench.changes.measure import main

main()
