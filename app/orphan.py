"""A worker whose supervisor was killed must not go on alone."""

import multiprocessing
import os
import signal
from threading import Thread


def stop_with_parent() -> None:
    """Send this process SIGTERM as soon as the process that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, daemon=True).start()
