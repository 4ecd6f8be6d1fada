"""Rate limit: a token bucket for each workspace, so that none slows down the others."""

import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

MAX_WORKSPACES = 10_000  # whose buckets are in memory; a missing one is full


class RateLimitExceededError(Exception):
    """This workspace asks faster than it may."""

    reason = "rate_limit"

    def __init__(self, retry_after: int) -> None:
        super().__init__(type(self).__doc__)
        self.retry_after = retry_after


class RateLimit:
    """Lets each workspace make *rate* requests a second, and *burst* at once after a rest.

    *clock* counts seconds and never goes back. For one process: several workers share the rate
    by dividing it.
    """

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.burst = max(burst, 1.0)
        self.clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when

    def take(self, workspace: str) -> None:
        """Take one token of *workspace*.

        Raises:
            RateLimitExceededError: there is none; it says in how many whole seconds there is one.
        """
        now = self.clock()
        tokens, since = self._buckets.get(workspace, (self.burst, now))
        tokens = min(self.burst, tokens + (now - since) * self.rate)
        if tokens < 1:
            raise RateLimitExceededError(ceil((1 - tokens) / self.rate))
        self._buckets[workspace] = (tokens - 1, now)
        self._buckets.move_to_end(workspace)
        if len(self._buckets) > MAX_WORKSPACES:
            self._buckets.popitem(last=False)
