"""A process that is a session of its own."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_module_runs_as_a_session_of_its_own(tmp_path: Path) -> None:
    """With the pid that was started, which leads session and group, as whoever ends it expects."""
    (tmp_path / "who.py").write_text("import os\nprint(os.getpid(), os.getsid(0), os.getpgrp(), __name__)\n")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "workshop.stack.local.session", "who"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        process_group=0,  # as supervisord starts them
        text=True,
    )
    printed, _ = process.communicate(timeout=30)
    assert printed.split() == [str(process.pid)] * 3 + ["__main__"]
    assert process.returncode == 0
    assert os.getsid(0) != process.pid
