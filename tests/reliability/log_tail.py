"""A reader that follows the log as `replay --follow` does, and records the positions."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from threading import Thread

import psycopg

from app.event_store.log_range import LogCorruptedError, head_position
from app.event_store.recorder import open_recorder

CATCH_UP_TIMEOUT = 60.0  # seconds


class LogTail:
    """Follows the log of *dsn* in a thread; `positions` is what it saw, in that order."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.positions: list[int] = []
        self.damage: str | None = None
        self.recorder = open_recorder(dsn)
        self.subscription = self.recorder.subscribe(gt=0)
        self.thread = Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.positions.extend(event.id for event in self.subscription)
        except LogCorruptedError as error:
            self.damage = str(error)

    def end(self) -> None:
        """Let it reach the current end of the log, stop it, and close its connection."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            head = head_position(connection)
        deadline = time.monotonic() + CATCH_UP_TIMEOUT
        while self.thread.is_alive() and (not self.positions or self.positions[-1] < head):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self.subscription.stop()
        self.thread.join(CATCH_UP_TIMEOUT)
        self.recorder.close()


@contextmanager
def follow_log(dsn: str) -> Generator[LogTail]:
    """Follow the log while the block runs."""
    following = LogTail(dsn)
    following.thread.start()
    try:
        yield following
    finally:
        following.end()
