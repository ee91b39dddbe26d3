"""The libraries that the console's pages bring along are what their list says."""

import hashlib
import re
from pathlib import Path

import workshop.console

VENDOR = Path(workshop.console.__file__).parent / "static" / "vendor"
ROW = re.compile(r"^\| (\S+) \| (\S+) \| ([\d.]+) \| ([\w.-]+), (\S+) \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def test_every_file_is_listed_with_its_version_licence_and_checksum() -> None:
    """No file is there that the list does not name, none differs from what was published, and licences come along."""
    rows = ROW.findall((VENDOR / "README.md").read_text())
    licences = {licence for _, _, _, _, licence, _ in rows}
    assert {file for file, *_ in rows} | licences | {"README.md"} == {path.name for path in VENDOR.iterdir()}
    for file, _, version, kind, licence, checksum in rows:
        content = (VENDOR / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum, file
        assert kind == "MIT" and "Permission is hereby granted, free of charge" in (VENDOR / licence).read_text()
        # dagre exports its version, uPlot has it in its first lines; a style sheet has none.
        assert file.endswith(".css") or version in content.decode(), file
