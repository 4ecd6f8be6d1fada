"""The processes that fill shadows: polite to those who serve, gone with the one that began them."""

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized

from app.orphan import stop_with_parent
from app.views.rebuilding.folding import Catalogue
from app.views.rebuilding.loading import load
from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.shares import Share

LOOK = 0.1  # seconds between two looks at how far they are
NICE = 10
Told = Callable[[int], None]
progress: "Synchronized[int]"  # events that all workers have taken; in workers only


def load_all(
    dsn: str, catalogue: Catalogue, shadows: Sequence[Shadow], shares: Sequence[Share], tell: Told
) -> int:
    """Fill *shadows* from the events of *shares*; return how many that took.

    *tell* is told, again and again, how many of all events have been taken.
    """
    taken = multiprocessing.get_context("fork").Value("q", 0)
    with pool(workers_for(os.cpu_count()), taken) as run:
        running = [run.submit(load_one, dsn, catalogue, shadows, share) for share in shares]
        while not all(each.done() for each in running):
            require_none_failed(running)
            tell(taken.value)
            time.sleep(LOOK)
        return sum(each.result() for each in running)


def workers_for(cores: int | None) -> int:
    """Return how many processes fold: as many as there are cores, but four at most."""
    return min(cores or 1, 4)


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


def require_none_failed(running: Sequence[Future[int]]) -> None:
    """Raise what one of *running* raised."""
    for each in running:
        if each.done():
            each.result()


def begin(taken: "Synchronized[int]") -> None:
    """Prepare a worker."""
    global progress  # noqa: PLW0603 — how a pool's initializer hands something on
    progress = taken
    stop_with_parent()
    os.nice(NICE)
    gc.disable()  # rows and events hold no cycles; looking for them takes a fifth of the time


def load_one(dsn: str, catalogue: Catalogue, shadows: Sequence[Shadow], share: Share) -> int:
    """Fill the share of one worker."""

    def done(events: int) -> None:
        with progress.get_lock():
            progress.value += events

    return load(dsn, catalogue, shadows, share, done)
