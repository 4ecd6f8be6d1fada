"""Compares our log with pgbench: appends/s by the write path, and bare inserts/s.

`appends` are events of the same bytes, with all that the log promises: one order, no holes, unique
versions, row-level security, a stored response for a key. `with views` adds what a command
writes in the same transaction: the row of the list. Waiting writes
share one commit; pgbench commits each row.
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct
from psycopg.conninfo import make_conninfo

from app.database.migrate import migrate
from app.event_store.protocol import Changeset
from tests.benchmarks.http.pgbench import insert_rate, prepare_inserts
from tests.benchmarks.http.report import markdown
from tests.benchmarks.http.settings import Machine, Rounds
from tests.benchmarks.log.append_rate import append_rate, writes

FLOOR = 0.7  # of pgbench's rate
FLOOR_AT = 16  # clients
COLUMNS = ("clients", "pgbench/s", "appends/s", "ratio", "at least", "with views/s", "ratio")


class Appends(Struct, frozen=True):
    """The rates of all rounds with so many clients."""

    clients: int
    bare: list[float]
    events: list[float]
    whole: list[float]


def measure_appends(machine: Machine, clients: Sequence[int], rounds: Rounds) -> list[Appends]:
    """Measure all three, whose database is `appends`, with each number of *clients*."""
    dsn, script = make_conninfo(machine.dsn, dbname="appends"), machine.folder / "bare_inserts.sql"
    migrate(dsn)
    prepare_inserts(dsn, next(writes(0)).envelopes[0], script)
    with run_on_core(machine.cores.servers):  # PostgreSQL has the other one
        return [measure_with_clients(dsn, script, number, rounds) for number in clients]


def measure_with_clients(dsn: str, script: Path, clients: int, rounds: Rounds) -> Appends:
    """Measure with so many *clients*."""
    found = Appends(clients, [], [], [])
    turns: list[tuple[list[float], Callable[[], float]]] = [
        (found.bare, lambda: insert_rate(dsn, script, clients, rounds.seconds)),
        (found.events, lambda: append_rate(dsn, rounds.seconds, clients, events_alone)),
        (found.whole, lambda: append_rate(dsn, rounds.seconds, clients)),
    ]
    for rates, measure in rounds.abba_rounds(turns):
        rates.append(measure())
    return found


def events_alone(caller: int) -> Iterator[Changeset]:
    """Yield what creations lead to, without the rows of views."""
    for write in writes(caller):
        yield msgspec.structs.replace(write, rows=dict.fromkeys(write.rows))


@contextmanager
def run_on_core(core: int) -> Generator[None]:
    """Let this process run on *core* for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def appends_table(found: Sequence[Appends]) -> str:
    """Return the medians as a table in Markdown."""
    return markdown(COLUMNS, map(line_of, found))


def line_of(each: Appends) -> Sequence[str]:
    """Return the line of one number of clients."""
    bare, events, whole = map(median, (each.bare, each.events, each.whole))
    floor = f"{FLOOR}" if each.clients == FLOOR_AT else ""
    return (
        str(each.clients), f"{bare:,.0f}",
        f"{events:,.0f}", f"**{events / bare:.2f}**", floor, f"{whole:,.0f}", f"{whole / bare:.2f}",
    )  # fmt: skip
