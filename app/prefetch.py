"""Reads ahead in a thread, so that one core reads while another works on what was read."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

SWITCH_INTERVAL = 0.0005  # seconds; Python's default is ten times as long
Batch = TypeVar("Batch")


def prefetch(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield *batches*; while one is used, the next is read.

    A batch arrives in many pieces, and its reader needs Python's lock for each: the lock changes
    hands often.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        with ThreadPoolExecutor(1) as thread:
            coming = thread.submit(next, batches, None)
            while (batch := coming.result()) is not None:
                coming = thread.submit(next, batches, None)
                yield batch
    finally:
        sys.setswitchinterval(usual)
