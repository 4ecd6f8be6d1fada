"""Arrays of one dimension and without nulls, as PostgreSQL's binary COPY takes them.

A page of the history has five arrays of 64 values. psycopg encodes any array, value by value; these
are packed as wholes, at a third of the cost.
"""

import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import cast

from psycopg import Connection, adapters
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.rows import TupleRow

HEAD = "!5i"  # dimensions, has nulls, type (OID) of the values, their amount, number of the first
INT4, INT8, TEXT, TIMESTAMPTZ = 23, 20, 25, 1184
SIZE_OF_TIME = struct.pack("!i", 8)
encoded_time = cast(
    "Callable[[datetime], Buffer]",
    adapters.get_dumper_by_oid(TIMESTAMPTZ, Format.BINARY)(datetime).dump,  # in C
)
"""Returns a time as psycopg encodes it."""


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
        head = struct.pack(HEAD, 1, 0, TIMESTAMPTZ, len(obj), 1)
        return head + SIZE_OF_TIME + SIZE_OF_TIME.join(map(encoded_time, obj))


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
