"""A durable queue of mails: each is sent once, also if its worker is killed at any moment.

Before a mail is sent it is claimed, and that is on disk. Who finds a claimed mail after a restart
does not know whether it was sent: that is asked of the provider, and never guessed.

    python outbox.py mails.db a@example.com "A subject" "A text"
"""

import fcntl
import sqlite3
import sys
import time
from pathlib import Path
from typing import NamedTuple, Self
from uuid import uuid4

SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'claimed', 'sent', 'rejected')),
    claimed_at REAL,
    detail TEXT
)
"""
CLAIM = """
UPDATE mails SET state = 'claimed', claimed_at = ?
WHERE number = (SELECT number FROM mails WHERE state = 'queued' ORDER BY number LIMIT 1)
RETURNING id, recipient, subject, text
"""


class Mail(NamedTuple):
    """A mail to send; the provider is told its `id`, and can be asked for it."""

    id: str
    recipient: str
    subject: str
    text: str


class Outbox:
    """The mails in an SQLite file, for one worker at a time."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")  # a commit is on disk
        self._database.execute(SCHEMA)
        self._lock = path.with_suffix(".lock").open("w")

    def require_alone(self) -> None:
        """Raise BlockingIOError if another worker sends from this outbox."""
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def add(self, recipient: str, subject: str, text: str) -> str:
        """Queue a mail and return its id."""
        mail = Mail(str(uuid4()), recipient, subject, text)
        self._database.execute(
            "INSERT INTO mails (id, recipient, subject, text) VALUES (?, ?, ?, ?)", mail
        )
        return mail.id

    def claim(self) -> Mail | None:
        """Return the next mail, which counts as possibly sent from now on."""
        row = self._database.execute(CLAIM, (time.time(),)).fetchone()
        return Mail(*row) if row else None

    def unsettled(self, before: float) -> list[str]:
        """Return the ids of mails that were claimed *before* that time, and not settled."""
        sql = "SELECT id FROM mails WHERE state = 'claimed' AND claimed_at < ? ORDER BY number"
        return [mail_id for (mail_id,) in self._database.execute(sql, (before,))]

    def settle(self, mail_id: str, state: str, detail: str | None = None) -> None:
        """Record what became of a claimed mail: sent, rejected, or queued again."""
        sql = "UPDATE mails SET state = ?, detail = ? WHERE id = ? AND state = 'claimed'"
        self._database.execute(sql, (state, detail, mail_id))

    def count(self, *states: str) -> int:
        """Return how many mails are in one of *states*."""
        marks = ", ".join("?" * len(states))
        sql = f"SELECT count(*) FROM mails WHERE state IN ({marks})"  # noqa: S608 — question marks
        return self._database.execute(sql, states).fetchone()[0]

    def close(self) -> None:
        """Close the file, and let another worker in."""
        self._database.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


if __name__ == "__main__":
    with Outbox(Path(sys.argv[1])) as outbox:
        print(outbox.add(*sys.argv[2:5]))
