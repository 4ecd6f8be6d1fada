"""A reader that follows the log as `replay --follow` does, and records the positions."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from threading import Thread

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from app.event_store.subscription import LogCorruptedError, LogRange, head_position, subscribe

ROLE = "integrations_audit"
CATCH_UP_TIMEOUT = 60.0  # seconds


class TailStopped(Exception):  # noqa: N818 — not an error: the tail was told to stop
    """The tail was told to stop."""


class LogTail:
    """Follows the log of *dsn* in a thread; `seen` are the positions, in the order they came."""

    def __init__(self, dsn: str) -> None:
        self.dsn = make_conninfo(dsn, options=f"-c role={ROLE}", application_name="faults_tail")
        self.positions: list[int] = []
        self.reconnects = -1
        self.damage: str | None = None
        self._stopping = False
        self._connection: Connection[TupleRow] | None = None
        self.thread = Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            for batch in subscribe(self._connect, LogRange(to=0), pause=0.02):
                self.positions.extend(position for position, _ in batch)
        except LogCorruptedError as error:
            self.damage = str(error)
        except TailStopped:
            pass

    @contextmanager
    def _connect(self) -> Generator[Connection[TupleRow]]:
        if self._stopping:
            raise TailStopped
        with psycopg.connect(self.dsn, autocommit=True) as self._connection:
            self.reconnects += 1
            yield self._connection

    def end(self) -> None:
        """Let it reach the current end of the log, and stop it."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            head = head_position(connection)
        deadline = time.monotonic() + CATCH_UP_TIMEOUT
        while self.thread.is_alive() and (not self.positions or self.positions[-1] < head):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self._stopping = True
        if self._connection is not None:
            self._connection.close()
        self.thread.join(CATCH_UP_TIMEOUT)


@contextmanager
def follow_log(dsn: str) -> Generator[LogTail]:
    """Follow the log while the block runs."""
    following = LogTail(dsn)
    following.thread.start()
    try:
        yield following
    finally:
        following.end()
