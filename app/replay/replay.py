"""Replays the log: reads what is selected and writes it, as lines or as a table."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from itertools import islice
from typing import BinaryIO, Literal, TextIO

import psycopg
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.connection import acting_as
from app.database.database import open_known_database
from app.database.migrate import first_error_line
from app.event_store.log_range import HEAD_SQL, LogRange, head_position, newest_range
from app.event_store.reader import Chunk, chunk_from_events, read_chunks
from app.prefetch import prefetch
from app.progress import ProgressCallback
from app.replay.filters import ReplayFilter, fold_as_of
from app.replay.jsonl import EventLine, IntegrationLine, encoder, event_lines, integration_line
from app.replay.table import TableWriter, event_row, integration_row
from app.settings import Settings

ROLE = "integrations_audit"
KNOWN_SQL = """
(SELECT FROM integrations.events
    WHERE workspace_id = coalesce(%(workspace)s, workspace_id)
        AND stream = coalesce(%(integration)s, stream) LIMIT 1)
UNION ALL
(SELECT FROM integrations.accesses
    WHERE workspace_id = coalesce(%(workspace)s, workspace_id)
        AND stream = coalesce(%(integration)s, stream) LIMIT 1)
"""
TABLE_BATCH_SIZE = 200  # of a table at once
Format = Literal["table", "jsonl"]


class LogNotFoundError(Exception):
    """There is no log to read; the message is one line that says what to do."""


class UnknownSelectionError(Exception):
    """The log has no such workspace or integration."""

    def __init__(self, selection: ReplayFilter) -> None:
        named = {"workspace": selection.workspace, "integration": selection.integration}
        wanted = ", ".join(f"{kind} {name!r}" for kind, name in named.items() if name is not None)
        super().__init__(f"The log has no {wanted}.")


class Output(Struct, frozen=True):
    """Where to, and how."""

    out: TextIO
    format: Format

    @property
    def raw(self) -> BinaryIO:
        """Where lines go, as they are bytes."""
        return self.out.buffer


def replay(
    settings: Settings, selection: ReplayFilter, output: Output, report: ProgressCallback
) -> None:
    """Write the events of *selection* that are in the log now.

    Raises:
        LogNotFoundError: there is no log, or it cannot be reached.
        LogCorruptedError: a position is missing; the events before it were written.
        UnknownSelectionError: the log has no such workspace or integration.
    """
    with open_known_database(settings) as dsn, open_log(dsn) as connection:
        require_known(connection, selection)
        write = build_event_writer(selection, output)
        for chunk in with_progress(connection, selection, report):
            write(chunk)


def replay_following(settings: Settings, selection: ReplayFilter, output: Output) -> None:
    """Write the events of *selection*, and then each new one; only an error ends it.

    A database that goes away is waited for, and nothing is missed.

    Raises:
        LogNotFoundError, LogCorruptedError: as for `replay`.
    """
    from app.event_store.recorder import open_recorder  # noqa: PLC0415 — slow, and only used here

    with open_known_database(settings) as dsn:
        with open_log(dsn) as connection:
            head, part = head_position(connection), selected_range(connection, selection)
        write = build_event_writer(selection, output)
        with closing(open_recorder(dsn)) as recorder:
            after = min(part.after, head)
            following = recorder.subscribe(after, workspace=part.workspace, stream=part.stream)
            for batch in following.batches():
                events = [(event.id, event.state) for event in batch if event.id > part.after]
                write(chunk_from_events(events))
                output.out.flush()


def replay_as_of(
    settings: Settings, selection: ReplayFilter, output: Output, report: ProgressCallback
) -> None:
    """Write the integrations as the events of *selection* leave them.

    Raises:
        LogNotFoundError, LogCorruptedError, UnknownSelectionError: as for `replay`.
    """
    with open_known_database(settings) as dsn, open_log(dsn) as connection:
        require_known(connection, selection)
        rows = fold_as_of(with_progress(connection, selection, report), selection)
        lines = map(integration_line, rows)
        if output.format == "jsonl":
            write_lines(output, lines)
        else:
            TableWriter(output.out, "integrations").write(map(integration_row, lines))


def with_progress(
    connection: Connection[TupleRow], selection: ReplayFilter, report: ProgressCallback
) -> Iterator[Chunk]:
    """Yield the events of *selection*, and report how many positions are done."""
    part = selected_range(connection, selection)
    amount = part.to - part.after
    for chunks in prefetch(read_chunks(connection, part)):
        yield from chunks
        report("Reading the log", chunks[-1].positions[-1] - part.after, amount)
    report("Reading the log", amount, amount)


def selected_range(connection: Connection[TupleRow], selection: ReplayFilter) -> LogRange:
    """Return where in the log the events of *selection* are."""
    part = selection.log_range(head_position(connection))
    if selection.newest is None:
        return part
    start, end = (
        each if isinstance(each, datetime) else None for each in (selection.start, selection.end)
    )
    return newest_range(connection, part, selection.newest, start, end)


def require_known(connection: Connection[TupleRow], selection: ReplayFilter) -> None:
    """Raise UnknownSelectionError if neither log nor journal has the workspace or integration."""
    if selection.workspace is None and selection.integration is None:
        return
    wanted = {"workspace": selection.workspace, "integration": selection.integration}
    if connection.execute(KNOWN_SQL, wanted).fetchone() is None:
        raise UnknownSelectionError(selection)


def build_event_writer(selection: ReplayFilter, output: Output) -> Callable[[Chunk], None]:
    """Return what writes a chunk."""
    if output.format == "jsonl":
        return lambda chunk: write_lines(output, event_lines(chunk, selection))
    table = TableWriter(output.out, "events")

    def write(chunk: Chunk) -> None:
        lines = event_lines(chunk, selection)
        while rows := [event_row(line) for line in islice(lines, TABLE_BATCH_SIZE)]:
            table.write(rows)

    return write


def write_lines(output: Output, lines: Iterable[EventLine | IntegrationLine]) -> None:
    """Write *lines* as JSON Lines."""
    output.raw.write(encoder.encode_lines(list(lines)))


@contextmanager
def open_log(dsn: str) -> Generator[Connection[TupleRow]]:
    """Yield a connection that reads the log.

    Raises:
        LogNotFoundError: the database has no log yet, or cannot be reached.
    """
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(replay_session(dsn))
            connection.execute(HEAD_SQL)
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
            message = (
                f"There is no log to read ({first_error_line(error)}):"
                " start the service once, or see INTEGRATIONS_DATABASE_URL."
            )
            raise LogNotFoundError(message) from None
        yield connection


@contextmanager
def replay_session(dsn: str) -> Generator[Connection[TupleRow]]:
    """Yield an autocommitting connection of the role that reads the log and nothing else."""
    with psycopg.connect(acting_as(dsn, ROLE), autocommit=True) as connection:
        yield connection
