"""Draws what reading traces costs: `python -m bench.plot FILE.png`, from the measurements `backend` and `diagnosis`."""

import argparse
import json
import subprocess
import sys
from typing import Any


def measured(name: str) -> dict[str, Any]:
    """What a measurement prints as JSON."""
    command = [sys.executable, "-m", f"bench.{name}", "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.plot", description=__doc__)
    parser.add_argument("file", help="where the picture goes")
    file = parser.parse_args().file
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    backend, diagnosis = measured("backend"), measured("diagnosis")
    rows = {f"query: {name}": query["median_ms"] for name, query in backend["queries"].items()}
    rows |= {f"10,000 spans: {name}": step["ms"] for name, step in diagnosis["steps"].items()}
    figure, axes = pyplot.subplots(figsize=(9, 5), layout="constrained")
    bars = axes.barh(list(rows), list(rows.values()), color=["#1f6feb"] * len(backend["queries"]) + ["#138a72"] * 6)
    axes.bar_label(bars, fmt="%.3g ms", padding=4)
    axes.invert_yaxis()
    axes.set_xlabel("median, ms")
    rate, size = backend["spans_per_cpu_second"], backend["bytes_per_span"]
    taken = f"{rate:,.0f} spans taken in a CPU second, {size:.0f} bytes each"
    figure.suptitle(f"Reading traces; stand-in with {backend['spans']:,} spans: {taken}", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    figure.savefig(file, dpi=110)
    print(f"drew {file}")


if __name__ == "__main__":
    main()
