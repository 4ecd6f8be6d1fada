"""Errors that stop the benchmark or make its figures meaningless."""


class CannotRunError(Exception):
    """Something is missing here; the message is one line that says what and how to get it."""


class FailedRequestsError(Exception):
    """Not every request got the expected status, so the figures mean nothing."""
