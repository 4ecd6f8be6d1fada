"""Time of this thread, as it would be on a machine that is quiet.

A processor that two threads or two machines share does the same work in up to three times the time.
So a piece of work that never changes is measured next to what is to be measured.
"""

import json
import math
import time
from collections.abc import Awaitable, Callable

PAUSE = 0.1  # seconds between tries, in which what disturbs may pass
QUIET_MS = 4.0  # of `fixed_work` on a quiet core of 2026
DATA = [{f"k{n}": str(n), "list": [n] * 5} for n in range(400)]


def fixed_work() -> None:
    """Do what takes QUIET_MS: text, dicts and small objects, as in a request."""
    for _ in range(8):
        json.loads(json.dumps(DATA))


def slowness() -> float:
    """Return how many times slower than a quiet one this machine is now, at least 1."""
    before = time.thread_time()
    fixed_work()
    return max(1.0, (time.thread_time() - before) * 1000 / QUIET_MS)


async def quiet_ms(work: Callable[[], Awaitable[object]]) -> float:
    """Return how many milliseconds of this thread *work* would take on a quiet machine."""
    slow_before, began = slowness(), time.thread_time()
    await work()
    ms = (time.thread_time() - began) * 1000
    return ms * 2 / (slow_before + slowness())


def least_quiet_ms(work: Callable[[], object], *, enough: float, tries: int = 6) -> float:
    """Return the least of some times of *work*, of the first that is at most *enough*."""
    least = math.inf
    for _ in range(tries):
        slow_before, began = slowness(), time.thread_time()
        work()
        ms = (time.thread_time() - began) * 1000
        least = min(least, ms * 2 / (slow_before + slowness()))
        if least <= enough:
            break
        time.sleep(PAUSE)
    return least
