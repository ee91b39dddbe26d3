"""Run the measurement: `python -m bench.rca`."""

from bench.rca.measure import main

main()
