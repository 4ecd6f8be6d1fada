"""A worker whose supervisor was killed must not go on alone."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from threading import Thread


def exit_with_parent(tidy_up: Callable[[], None] | None = None) -> None:
    """Send this process SIGTERM as soon as the one that started it is gone, and *tidy_up* first."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        if tidy_up:
            tidy_up()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, daemon=True).start()
