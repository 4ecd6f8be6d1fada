"""The processes that fill shadows: polite to those who serve, gone with the one that began them."""

import gc
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from app.orphan import stop_with_parent
from app.views.rebuilding.loading import Done
from app.views.rebuilding.shares import Share
from app.views.rebuilding.traffic import Traffic, most_lanes

LOOK = 0.1  # seconds between two looks at how far they are
NICE = 10
Job = TypeVar("Job")
Result = TypeVar("Result")
Fill = Callable[[Share, Done], int]
Told = Callable[[int], None]
progress: "Synchronized[int]"  # events that all workers have taken; in workers only


def load_all(
    fill: Fill, shares: Sequence[Share], traffic: Traffic, tell: Told, commits: int
) -> int:
    """Let each of *shares* be filled by a process; return how many events that took.

    A share takes so many *commits*. *tell* is told, again and again, how many of all events have
    been taken.
    """
    taken = multiprocessing.get_context("fork").Value("q", 0)
    with pool(most_lanes(), taken) as run:

        def start(share: Share) -> Future[int]:
            return run.submit(fill_one, fill, share)

        return sum(in_lanes(start, shares, traffic, lambda _: tell(taken.value), commits))


def in_lanes(
    start: Callable[[Job], Future[Result]],
    jobs: Iterable[Job],
    traffic: Traffic,
    tell: Told,
    commits: int,
) -> list[Result]:
    """Start all *jobs*, at any time as many as *traffic* allows, and return their results.

    Each is so many *commits* by its end, which are no one else's traffic. *tell* is told, again and
    again, how many have ended. The first that fails ends it.
    """
    waiting = deque(jobs)
    running: set[Future[Result]] = set()
    results: list[Result] = []
    while waiting or running:
        while waiting and len(running) < traffic.lanes:
            running.add(start(waiting.popleft()))
        ended, running = wait(running, timeout=LOOK, return_when=FIRST_COMPLETED)
        results += [each.result() for each in ended]
        traffic.expect(len(ended) * commits)
        tell(len(results))
    return results


@contextmanager
def pool(amount: int, taken: "Synchronized[int]") -> Generator[ProcessPoolExecutor]:
    """Yield a pool of forks; they end, whatever they do, when the caller fails or is told to stop.

    Forks begin at once and know the catalogue as it is. They end without running what the parent
    would do at its end, so that the connections that they inherit are left alone.
    """
    forks = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(amount, mp_context=forks, initializer=begin, initargs=(taken,)) as run:
        try:
            yield run
        except BaseException:
            for process in list(run._processes.values()):  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] — kill_workers comes with Python 3.14
                process.terminate()
            raise


def begin(taken: "Synchronized[int]") -> None:
    """Prepare a worker."""
    global progress  # noqa: PLW0603 — how a pool's initializer hands something on
    progress = taken
    stop_with_parent()
    os.nice(NICE)
    gc.disable()  # rows and events hold no cycles; looking for them takes a fifth of the time


def fill_one(fill: Fill, share: Share) -> int:
    """Fill the share of one worker."""

    def done(events: int) -> None:
        with progress.get_lock():
            progress.value += events

    return fill(share, done)
