"""For all tests: the person's environment counts as little here as it does for the commands."""

import os

from workshop.stack.first_run import environment

environment.clean_up()
# `make test`: a make that another make started tells which folder it enters.
for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(name, None)
