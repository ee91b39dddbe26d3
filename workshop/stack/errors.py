"""The one kind of error that a person is meant to read."""


class StackError(Exception):
    """Something a person can put right; the message says what happened, where, and what to do next."""
