"""Measures pages of the history at 1,000 and at many events: python -m tests.benchmarks.history."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.embedded import open_embedded
from app.database.migrate import migrate
from app.database.pools import open_pool
from app.event_store.batch import event_item
from app.event_store.codec import encoder
from app.views.history import HistoryFilter, HistoryViews
from domain.envelope import Actor, Envelope, EventMetadata
from domain.integration import IntegrationToggled
from tests.benchmarks.http.report import markdown
from tests.benchmarks.machine import description

FEW_EVENTS = 1_000
PAGE = 20  # entries
REPEATS = 9  # of which the median
MAX_MS = 100
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("", "matches", "first page, ms", "last page, ms", "at most")
# Two actions, 25 actors; every hundredth event is late by 3 s. Integrations have ten events each,
# or in the workspace `one` a single integration has them all.
FILL = """
INSERT INTO integrations.events (
    position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
)
SELECT
    n + CASE WHEN one THEN 1000000000 ELSE 0 END, %(workspace)s, n,
    'int_' || CASE WHEN one THEN 1 ELSE n / 10 END, CASE WHEN one THEN n ELSE n %% 10 + 1 END,
    'IntegrationToggled',
    (ARRAY['INTEGRATION_ENABLED', 'INTEGRATION_DISABLED'])[1 + n %% 5 / 4], 'user-' || n %% 25,
    timestamptz '2026-01-01Z' + make_interval(secs => n - CASE WHEN n %% 100 = 0 THEN 3 ELSE 0 END),
    %(envelope)b
FROM generate_series(%(first)s::bigint, %(last)s) AS n, (SELECT %(workspace)s = 'one' AS one) AS of
"""
UNFILTERED = {"workspace": HistoryFilter(), "integration": HistoryFilter(resource="int_7")}
FILTERED = {
    "action": HistoryFilter(action="INTEGRATION_DISABLED"),
    "actor": HistoryFilter(user="user-1"),
    "actor and action": HistoryFilter(user="user-4", action="INTEGRATION_DISABLED"),
    "a day": HistoryFilter(start=START + timedelta(days=2), end=START + timedelta(days=3)),
    "actor and a day": HistoryFilter(
        user="user-1", start=START + timedelta(days=2), end=START + timedelta(days=3)
    ),
    "since a day": HistoryFilter(start=START + timedelta(seconds=900_000)),
}


@click.command("tests.benchmarks.history")
@click.option("--events", type=click.IntRange(FEW_EVENTS + 1), default=1_000_000, show_default=True)
def command(*, events: int) -> None:
    """Measure pages of 20 with their totals, without and with filters; print a table."""
    with TemporaryDirectory(prefix="history-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account of PostgreSQL must get through
        with open_embedded(folder) as server:
            migrate(server.dsn)
            with psycopg.connect(server.dsn, autocommit=True) as admin:
                lines = [*measure(admin, server.dsn, events)]
                version = admin.info.parameter_status("server_version") or "?"
    click.echo(f"{description(version)}\n\n{markdown(COLUMNS, lines)}")


def measure(admin: Connection[TupleRow], dsn: str, events: int) -> Iterator[Sequence[str]]:
    """Yield the lines of the table: pages without a filter at both sizes, then with filters."""
    for first, last in ((1, FEW_EVENTS), (FEW_EVENTS + 1, events)):
        fill(admin, first, last)
        fill(admin, first, last, "one")
        yield asyncio.run(line(dsn, f"a workspace of {last:,} events", HistoryFilter()))
        one = HistoryFilter(resource="int_1")
        yield asyncio.run(line(dsn, f"an integration of {last:,} events", one, "one"))
    for name, wanted in FILTERED.items():
        yield asyncio.run(line(dsn, f"{name}, of {events:,} events", wanted))


async def line(
    dsn: str, name: str, wanted: HistoryFilter, workspace: str = "demo"
) -> Sequence[str]:
    """Return the line of one filter; the last page costs most."""
    async with open_pool(dsn, "integrations_past") as pool:
        views = HistoryViews(pool)
        total = (await views.page(workspace, wanted, 0, 0)).total
        limit = min(PAGE, total)
        first, last = [
            await milliseconds(views, wanted, offset, limit, workspace)
            for offset in (0, total - limit)
        ]
    return (name, f"{total:,}", f"{first:.1f}", f"{last:.1f}", f"{MAX_MS}")


async def milliseconds(
    views: HistoryViews, wanted: HistoryFilter, offset: int, limit: int, workspace: str = "demo"
) -> float:
    """Return the median time of a full page with its total."""
    taken: list[float] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        page = await views.page(workspace, wanted, offset, limit)
        taken.append((time.perf_counter() - start) * 1000)
        assert len(page.entries) == limit, page.total
    return median(taken)


def fill(admin: Connection[TupleRow], first: int, last: int, workspace: str = "demo") -> None:
    """Write events from *first* to *last*."""
    admin.execute(
        FILL, {"envelope": envelope(), "first": first, "last": last, "workspace": workspace}
    )
    admin.execute("CHECKPOINT")  # VACUUM marks nothing as visible whose commit is not yet flushed
    admin.execute("VACUUM (ANALYZE, FREEZE) integrations.events")


def envelope() -> bytes:
    """Return the bytes of an event, the same for all."""
    made = Envelope(
        workspace="demo",
        stream="int_1",
        version=2,
        at=START,
        metadata=EventMetadata(actor=Actor(sub="user-1", name="Zoe", email="zoe@example.org")),
        name="Mail",
        before={"isActive": True},
        event=IntegrationToggled(is_active=False),
    )
    assert event_item(made).action == "INTEGRATION_DISABLED"
    return encoder.encode(made)


if __name__ == "__main__":
    command()
