"""Writes the access journal: a record before each answer, one a minute for what is the same."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from app.access.access import Access
from app.batching import Batcher
from app.database.availability import UnavailableError, translate_unavailable
from app.database.pools import Pool
from app.event_store.replication import abort_after, require_replicated

RECORD_SQL = "SELECT integrations.record_accesses(%s)"
DELETE_SQL = "SELECT integrations.delete_old_accesses(%s, %s)"
DELETE_INTERVAL = 3600.0  # seconds
BATCH_SIZE = 1_000  # rows of one statement, so that no delete is a long one
MAX_CACHED_RECORDS = 65_536  # records of this minute that need no second look at the database
COMMIT_TIMEOUT = 5.0  # seconds; on a cluster without its standby a commit would wait for ever
Minute = datetime


class AccessJournal:
    """Records accesses over a pool of the role for commands.

    What a process has recorded this minute it remembers, so that a busy worker costs one record a
    minute and not a round trip each time; nothing is remembered before it is committed.
    `records` counts those that it added.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._recorded: OrderedDict[tuple[bytes, Minute], None] = OrderedDict()
        self.records = 0
        self.batcher: Batcher[Access, None] = Batcher(self._record_many)

    async def record(self, access: Access) -> None:
        """Return once the journal has a record of *access*.

        Raises:
            UnavailableError: it could not be written, so nothing may be given out.
        """
        key = (access.grant_key, access.at.replace(second=0, microsecond=0))
        if key in self._recorded:
            return
        with translate_unavailable():
            await self.batcher.submit(access)
        self._recorded[key] = None
        if len(self._recorded) > MAX_CACHED_RECORDS:
            self._recorded.popitem(last=False)

    async def _record_many(self, accesses: Sequence[Access]) -> list[None]:
        items = [
            {
                "workspace": access.workspace,
                "stream": access.integration,
                "grant_key": access.grant_key.hex(),
                "at": access.at.isoformat(),
                "actor": access.actor.sub,
                "envelope": access.encode().decode(),
            }
            for access in accesses
        ]
        try:
            async with self._pool.connection() as connection:
                with abort_after(COMMIT_TIMEOUT, connection), require_replicated(connection):
                    cursor = await connection.execute(RECORD_SQL, (Jsonb(items),))
                    [(added,)] = await cursor.fetchall()
        except psycopg.DatabaseError as error:
            if isinstance(error, psycopg.OperationalError):
                raise
            # Read-only, no right, a broken partition: whatever it is, without a record no lease.
            raise UnavailableError from error
        self.records += added
        return [None] * len(accesses)


async def delete_old_accesses(pool: Pool, months: int) -> None:
    """Delete, each hour until cancelled, what is older than *months*, in short statements."""
    while True:
        with suppress(UnavailableError):
            while await delete_batch(pool, months) == BATCH_SIZE:
                pass
        await asyncio.sleep(DELETE_INTERVAL)


async def delete_batch(pool: Pool, months: int) -> int:
    """Delete some of what is older than *months*; return how many; raise UnavailableError."""
    with translate_unavailable():
        async with pool.connection() as connection:
            cursor = await connection.execute(DELETE_SQL, (months, BATCH_SIZE))
            [(amount,)] = await cursor.fetchall()
            return amount
