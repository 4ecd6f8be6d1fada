"""How long a lease may be used, by two clocks."""

from time import monotonic, time

from integrations_client.errors import LeaseExpiredError

RENEW_AFTER = 0.8  # of a lease's time: the rest bridges an outage of the service


class Term:
    """The time of a lease: fresh, then due for renewal while still current, then over.

    The clock of the wall also counts while the machine sleeps (a frozen AWS Lambda); the other one
    also counts if the first is set back.
    """

    __slots__ = ("_due", "_due_monotonic", "_end", "_end_monotonic")

    def __init__(self, seconds: float) -> None:
        now, ticks = time(), monotonic()
        self._end = now + seconds
        self._end_monotonic = ticks + seconds
        self._due = now + seconds * RENEW_AFTER
        self._due_monotonic = ticks + seconds * RENEW_AFTER

    @property
    def is_fresh(self) -> bool:
        """Whether no renewal is due yet."""
        return time() < self._due and monotonic() < self._due_monotonic

    @property
    def is_current(self) -> bool:
        """Whether the lease may be used."""
        return time() < self._end and monotonic() < self._end_monotonic

    @property
    def end(self) -> float:
        """When it ends, in seconds since 1970."""
        return self._end

    def require_current(self) -> None:
        """Raise LeaseExpiredError if the lease is over."""
        if not self.is_current:
            raise LeaseExpiredError
