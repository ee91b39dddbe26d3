"""For all tests: the person's environment counts as little here as it does for the commands."""

from workshop.stack.first_run import environment

environment.clean_up()
