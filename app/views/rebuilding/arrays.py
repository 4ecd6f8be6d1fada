"""Arrays of one dimension and without nulls, as PostgreSQL's binary COPY takes them.

A page of the history has five arrays of 64 values. psycopg encodes any array, value by value; these
are packed as wholes, at a third of the cost.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.rows import TupleRow

HEAD = "!5i"  # dimensions, has nulls, type (OID) of the values, their amount, number of the first
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
INT4, INT8, TEXT, TIMESTAMPTZ = 23, 20, 25, 1184


class PackedDumper(Dumper):
    """Encodes arrays of one type."""

    format = Format.BINARY


class Int4s(PackedDumper):
    """Encodes integer[]."""

    oid = 1007

    def dump(self, obj: Sequence[int]) -> Buffer:
        """Return *obj*, encoded."""
        return packed("i", 4, INT4, obj)


class Int8s(PackedDumper):
    """Encodes bigint[]."""

    oid = 1016

    def dump(self, obj: Sequence[int]) -> Buffer:
        """Return *obj*, encoded."""
        return packed("q", 8, INT8, obj)


class Times(PackedDumper):
    """Encodes timestamptz[]."""

    oid = 1185

    def dump(self, obj: Sequence[datetime]) -> Buffer:
        """Return *obj*, encoded."""
        return packed(
            "q", 8, TIMESTAMPTZ,
            [
                (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
                for since in [at - EPOCH for at in obj]  # twice as fast as a division
            ],
        )  # fmt: skip


class Texts(PackedDumper):
    """Encodes text[]."""

    oid = 1009

    def dump(self, obj: Sequence[str]) -> Buffer:
        """Return *obj*, encoded."""
        return struct.pack(HEAD, 1, 0, TEXT, len(obj), 1) + b"".join(map(sized, obj))


def pack_arrays(connection: Connection[TupleRow]) -> None:
    """Have *connection* encode arrays so where COPY says of what type they are."""
    for dumper in (Int4s, Int8s, Times, Texts):
        connection.adapters.register_dumper(None, dumper)


def packed(code: str, size: int, oid: int, values: Sequence[int]) -> bytes:
    """Return *values*, each of *size* bytes, with their sizes between."""
    between = [size] * (2 * len(values))
    between[1::2] = values
    return layout(code, len(values)).pack(1, 0, oid, len(values), 1, *between)


@cache
def layout(code: str, amount: int) -> struct.Struct:
    """Return how *amount* values are laid out."""
    return struct.Struct(HEAD + ("i" + code) * amount)


@lru_cache(maxsize=4096)
def sized(text: str) -> bytes:
    """Return *text* with its size in front; few actions and actors there are, again and again."""
    encoded = text.encode()
    return struct.pack("!i", len(encoded)) + encoded
