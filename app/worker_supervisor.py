"""Supervises the worker processes: reports when all are ready, and replaces lost ones."""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from threading import Thread
from weakref import WeakKeyDictionary

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from app.metrics.collector import drop_dead_gauges

START_TIMEOUT = 120.0  # seconds for the imports of a worker on a busy machine
HANG_TIMEOUT = 5.0  # seconds for its answer to a ping after that
POLL_INTERVAL = 0.1  # seconds, while workers start
log = structlog.get_logger("supervisor")


class WorkerSupervisor(Multiprocess):
    """A supervisor that calls *ready* when all workers are, and gives them time to start."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], ready: Callable[[], None]
    ) -> None:
        super().__init__(config, sockets)
        self.ready = ready
        self.first_seen: WeakKeyDictionary[Process, float] = WeakKeyDictionary()

    def init_processes(self) -> None:
        """Start the workers, and report when all are ready, unless a stop signal comes first."""
        super().init_processes()
        while not self.should_exit.wait(POLL_INTERVAL):
            self.handle_signals()
            self.keep_subprocess_alive()
            if all(worker.is_ready(timeout=1) for worker in self.processes):
                self.ready()
                return

    def keep_subprocess_alive(self) -> None:
        """Replace each worker that has died or hangs, and drop its gauges.

        The library's method also kills one that has not answered 5 s after its start: on a busy
        machine no worker ever started.
        """
        for index, worker in enumerate(self.processes):
            if self.should_exit.is_set() or self._is_alive(worker):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:  # every other would fail in the same way
                log.error("a worker cannot start")
                self.should_exit.set()
                return
            self.processes[index] = Process(self.config, self.sockets)
            self.processes[index].start()
        drop_dead_gauges({worker.pid for worker in self.processes})

    def _is_alive(self, worker: Process) -> bool:
        since = self.first_seen.setdefault(worker, time.monotonic())
        if not worker.process.is_alive():
            return False
        return time.monotonic() - since < START_TIMEOUT or worker.ping(HANG_TIMEOUT)

    def terminate_all(self) -> None:
        """Stop the workers and the listener: no client must wait for a response in vain."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def exit_with_parent(cleanup: Callable[[], None] | None = None) -> None:
    """Send this process SIGTERM when its parent ends, after *cleanup*."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        if cleanup:
            cleanup()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, daemon=True).start()
