"""Measures how many events a second the write path appends.

The events are made before the measurement, as pgbench makes none during its own.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count, islice
from uuid import uuid4

from app.database.pools import open_pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset
from domain.envelope import Actor, Envelope, EventMetadata
from projections.registry import PROJECTIONS
from tests.benchmarks.log.seed_data import created_event, workspace_of

CALLERS = 32
MAX_RATE = 10_000  # events a second for which enough is made
Kind = Callable[[int], Iterator[Changeset]]
"""What a caller, by its number, appends."""
ORIGIN = EventMetadata(actor=Actor(sub="benchmark"))


def append_rate(
    dsn: str, seconds: float, callers: int = CALLERS, kind: Kind | None = None
) -> float:
    """Return how many events a second *callers* append together, one each at a time.

    What they append is what creations lead to, unless *kind* says otherwise. It ends after so many
    *seconds*, or when one caller has nothing more to append.
    """
    most = int(seconds * MAX_RATE / callers)
    prepared = [[*islice((kind or writes)(caller), most)] for caller in range(callers)]
    return asyncio.run(append_all(dsn, seconds, prepared))


async def append_all(dsn: str, seconds: float, prepared: Sequence[Sequence[Changeset]]) -> float:
    """Append all that is *prepared*, or for *seconds*; return how many events a second."""
    async with open_pool(dsn, "integrations_command") as pool:
        log = PostgresEventLog(pool)
        began = time.perf_counter()
        end = began + seconds
        done = await asyncio.gather(*(append_until(log, end, one) for one in prepared))
        return sum(done) / (time.perf_counter() - began)


async def append_until(log: PostgresEventLog, end: float, prepared: Sequence[Changeset]) -> int:
    """Append what is *prepared*, one write after the other, until *end*; return how many."""
    for done, write in enumerate(prepared):
        if time.perf_counter() > end:
            return done
        await log.append(write)
    return len(prepared)


def writes(caller: int) -> Iterator[Changeset]:
    """Yield what creations lead to, without end."""
    for number in count():
        event = created_event(number)
        envelope = Envelope(
            workspace=workspace_of(caller),
            stream=f"int_{uuid4().hex}",
            version=1,
            at=datetime.now(UTC),
            metadata=ORIGIN,
            name=event.name,
            before=None,
            event=event,
        )
        yield Changeset(
            workspace=envelope.workspace,
            stream=envelope.stream,
            envelopes=[envelope],
            before=dict.fromkeys(PROJECTIONS),
            rows={name: projection.fold([envelope]) for name, projection in PROJECTIONS.items()},
        )
