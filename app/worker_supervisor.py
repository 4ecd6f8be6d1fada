"""Looks after the worker processes: says when all are ready, and replaces those that are lost."""

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

START_TIMEOUT = (
    120.0  # seconds in which a worker need not answer yet: as it imports, on a busy machine
)
HANG_TIMEOUT = 5.0  # seconds in which it must answer then
POLL_INTERVAL = 0.1  # seconds, while workers start
log = structlog.get_logger("supervisor")


class WorkerSupervisor(Multiprocess):
    """A supervisor that says when its workers are ready, and lets them take their time for it."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], ready: Callable[[], None]
    ) -> None:
        super().__init__(config, sockets)
        self.ready = ready
        self.first_seen: WeakKeyDictionary[Process, float] = WeakKeyDictionary()

    def init_processes(self) -> None:
        """Start the workers, and say so once all of them are ready, unless a stop comes before."""
        super().init_processes()
        while not self.should_exit.wait(POLL_INTERVAL):
            self.handle_signals()
            self.keep_subprocess_alive()
            if all(worker.is_ready(timeout=1) for worker in self.processes):
                self.ready()
                return

    def keep_subprocess_alive(self) -> None:
        """Start a worker again if one has died or hangs, and forget what it was doing.

        The library's own would also kill one that has not answered 5 s after its start. On a busy
        machine none ever got further.
        """
        for index, worker in enumerate(self.processes):
            if self.should_exit.is_set() or self._lives(worker):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:  # each other would fail in the same way
                log.error("a worker cannot start")
                self.should_exit.set()
                return
            self.processes[index] = Process(self.config, self.sockets)
            self.processes[index].start()
        drop_dead_gauges({worker.pid for worker in self.processes})

    def _lives(self, worker: Process) -> bool:
        since = self.first_seen.setdefault(worker, time.monotonic())
        if not worker.process.is_alive():
            return False
        return time.monotonic() - since < START_TIMEOUT or worker.ping(HANG_TIMEOUT)

    def terminate_all(self) -> None:
        """Stop the workers, and listening: nobody is to wait for an answer that cannot come."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


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
