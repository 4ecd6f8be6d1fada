"""What is stored of an entry of the history beside what it is found by: a JSON array of two."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from projections.history import PUBLIC, Column, HistoryRow, Was

Kept = tuple[str, Was]
"""`resource_name` and `was` of a row."""


class Change(Struct, frozen=True, rename={"was": "from"}):
    """From what a field was changed; to what, the event says."""

    was: Any


class Details(Struct, frozen=True):
    """What an event changed, by the names of the HTTP API."""

    changes: dict[str, Change] = {}


class WholeEntry(Struct, frozen=True):
    """What version 2 of the history stored, which was all that an entry shows."""

    resource_name: str
    details: Details


COLUMNS: dict[str, Column] = {shown: column for column, shown in PUBLIC.items()}
encoder = Encoder()
decoder = Decoder(Kept | WholeEntry)


def kept_from(row: HistoryRow) -> bytes:
    """Return what is stored of *row*."""
    return encoder.encode((row.resource_name, row.was))


def kept_from_each(rows: Iterable[HistoryRow]) -> list[bytes]:
    """Return what is stored of each of *rows*; in half the time, and JSON has no line breaks."""
    return encoder.encode_lines([(row.resource_name, row.was) for row in rows]).splitlines()


def kept_in(stored: bytes) -> Kept:
    """Return what is *stored* of an entry, also of one of version 2.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError: it is none.
    """
    kept = decoder.decode(stored)
    return kept_by_version_2(kept) if isinstance(kept, WholeEntry) else kept


def kept_by_version_2(entry: WholeEntry) -> Kept:
    """Return of *entry* what the log does not say."""
    changes = entry.details.changes
    was: Was = {column: changes[shown].was for shown, column in COLUMNS.items() if shown in changes}
    was_there = was.get("name", entry.resource_name) is not None  # all have a name
    return entry.resource_name, was if was_there else None
