"""A stand-in for `spans`, for tests of the teacher's page: real processes that do what the tests' files say.

`spans.py FOLDER COMMAND ...`. A command that changes something says so and runs until there is a file `go` in the
folder, or until SIGINT, after which it puts things in order, which takes a moment.
"""

import json
import os
import sys
import time
from pathlib import Path

NAMES = ("first-fault", "second-fault", "slow-fault")


def main() -> None:
    """Do as told."""
    folder, command, *rest = Path(sys.argv[1]), *sys.argv[2:]
    on = (folder / "on").read_text() if (folder / "on").exists() else ""
    if (folder / "broken").exists():
        sys.exit("error: it does not work today")
    if command == "scenarios":
        told = {"audience": "customers", "page": "All <is> slow.", "over": "Well.", "cures": ["cure"]}
        more = {"look_alikes": {"second-fault": "differs"}, "title": "A title"}
        print(json.dumps([{"name": n, "stage": n != NAMES[2], "on": n == on, **told, **more} for n in NAMES]))
    elif command == "changes":
        made = [{"words": f"{on} was made", "made": 1.0, "by": "somebody", "state": "done"}] if on else []
        print(json.dumps([*made, {"words": "gone", "made": 1.0, "by": "somebody", "state": "undone"}]))
    else:
        work(folder, command, rest)


def work(folder: Path, command: str, rest: list[str]) -> None:
    """Run until told, and note what is on then."""
    print(f"{command} {' '.join(rest)}, of {os.environ['STATE_FOLDER']}")
    try:
        while not (folder / "go").exists():
            time.sleep(0.01)
        print(f"  trace {'c' * 32}")
        (folder / "on").write_text(rest[0] if command == "break" else "")
        (folder / "history").mkdir(exist_ok=True)
        (folder / "history" / "changes.jsonl").open("a").write("a line\n")
        sys.exit(int((folder / "go").read_text() or 0))
    except KeyboardInterrupt:
        time.sleep(0.2)
        print("Undone: all of it.")
        sys.exit(130)


if __name__ == "__main__":
    main()
