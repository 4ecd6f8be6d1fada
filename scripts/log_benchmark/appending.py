"""How many events a second the write path's log appends, by who waits for it."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from app.database.pools import open_pool
from app.log.event_log import Write
from app.log.postgres import PostgresLog
from domain.recorded import Actor, Envelope, Origin
from projections.catalogue import JOURNALS, PROJECTIONS
from scripts.log_benchmark.filling import created, workspace_of

CALLERS = 32
Kind = Callable[[int], Iterator[Write]]
"""What a caller, by its number, appends."""
ORIGIN = Origin(actor=Actor(sub="benchmark"))


def append_rate(
    dsn: str, seconds: float, callers: int = CALLERS, kind: Kind | None = None
) -> float:
    """Return how many events a second *callers* append together, one each at a time.

    What they append is what creations lead to, unless *kind* says otherwise.
    """
    sources = [(kind or writes)(caller) for caller in range(callers)]
    return asyncio.run(appended(dsn, seconds, sources)) / seconds


async def appended(dsn: str, seconds: float, sources: Sequence[Iterator[Write]]) -> int:
    """Append for *seconds* from all *sources*; return how many events."""
    async with open_pool(dsn, "integrations_command") as pool:
        log = PostgresLog(pool)
        end = time.perf_counter() + seconds
        done = await asyncio.gather(*(append_until(log, end, source) for source in sources))
    return sum(done)


async def append_until(log: PostgresLog, end: float, source: Iterator[Write]) -> int:
    """Append one write of *source* after the other until *end*; return how many."""
    for done, write in enumerate(source):
        if time.perf_counter() > end:
            return done
        await log.append(write)
    raise AssertionError


def writes(caller: int) -> Iterator[Write]:
    """Yield what creations lead to, without end."""
    for number in count():
        envelope = Envelope(
            workspace=workspace_of(caller),
            stream=f"int_{uuid4().hex}",
            version=1,
            at=datetime.now(UTC),
            origin=ORIGIN,
            event=created(number),
        )
        yield Write(
            workspace=envelope.workspace,
            stream=envelope.stream,
            envelopes=[envelope],
            before=dict.fromkeys(PROJECTIONS),
            rows={name: projection.fold([envelope]) for name, projection in PROJECTIONS.items()},
            entries={name: [*j.entries([], [envelope])] for name, j in JOURNALS.items()},
        )
