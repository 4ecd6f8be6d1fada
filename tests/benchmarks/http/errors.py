"""What keeps the benchmark from running, or its figures from counting."""


class CannotRunError(Exception):
    """Something is missing here; the message is one line that says what and how to get it."""


class FailedRequestsError(Exception):
    """Not every request was answered as it should be, so the figures mean nothing."""
