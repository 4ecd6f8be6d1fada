"""The figures of README.md: `scripts/test -m slow -s clients/python/tests/test_figures.py`."""

import statistics
import threading
import time
from timeit import repeat

import pytest

from clients.python.tests.conftest import Workspace

ROTATIONS = 40


@pytest.mark.slow
def test_a_held_lease_takes_less_than_a_microsecond(workspace: Workspace) -> None:
    integration = workspace.create()
    with workspace.client(watch=True) as client:
        client.lease(integration)

        seconds = min(repeat(lambda: client.lease(integration), number=100_000, repeat=7))

    print(f"held lease: {seconds * 10_000:.0f} ns")  # noqa: T201 — the figure
    assert seconds < 0.1


@pytest.mark.slow
def test_a_rotation_is_noticed_within_50_ms(workspace: Workspace) -> None:
    """From the answer to who rotates until a thread that asks all the time has the next key."""
    integration = workspace.create()
    seen: dict[int, float] = {}
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            seen.setdefault(client.lease(integration).credentials["apiKey"], time.perf_counter())
            time.sleep(0.0005)

    with workspace.client(watch=True) as client:
        asking = threading.Thread(target=ask)
        asking.start()
        answered: dict[int, float] = {}
        for number in range(2, ROTATIONS + 2):
            workspace.rotate(integration, f"SG.the-key-number-{number}-of-all")
            answered[number] = time.perf_counter()
            time.sleep(0.1)
        is_over.set()
        asking.join()

    delays = sorted((seen[number] - at) * 1_000 for number, at in answered.items())
    median, last = statistics.median(delays), delays[-1]
    print(f"rotation noticed: p50 {median:.1f} ms, max {last:.1f} ms of {len(delays)}")  # noqa: T201
    assert median < 50
