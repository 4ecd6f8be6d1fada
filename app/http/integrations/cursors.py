"""Cursors: the last row of a page, as opaque text."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

import msgspec
from msgspec import Struct

from app.http.field_rules import FieldError, FieldProblem, Rule
from app.views.list_queries import Column, Key, SortOrder

MAX_LENGTH = 2_560  # characters; the key of a name of 120 may have 1,441 bytes
INVALID_CURSOR = FieldProblem("INVALID_CURSOR", "This is no cursor of this list")


class TimeCursor(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="t"):
    """The last row shown of a list sorted by a time."""

    column: Column
    descending: bool
    key: datetime
    id: str


class NameCursor(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="n"):
    """The last row shown of a list sorted by name."""

    descending: bool
    key: str
    id: str


Cursor = TimeCursor | NameCursor
decoder = msgspec.json.Decoder(TimeCursor | NameCursor)


def encode_cursor(order: SortOrder, key: Key) -> str:
    """Return the cursor of a list in *order* after *key*."""
    cursor = (
        NameCursor(order.descending, *key)
        if order.column == "name_key"
        else TimeCursor(order.column, order.descending, *key)
    )
    return urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def decode_cursor(value: object) -> Cursor:
    """Return the cursor in the text *value*; raise FieldError if it is invalid."""
    text = str(value)
    try:
        if len(text) > MAX_LENGTH:
            raise FieldError(INVALID_CURSOR)
        cursor = decoder.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise FieldError(INVALID_CURSOR) from None
    if (
        encode_cursor(cursor_order(cursor), cursor_key(cursor)) != text
        or "\0" in f"{cursor.key}{cursor.id}"
    ):
        raise FieldError(INVALID_CURSOR)
    return cursor


def cursor_order(cursor: Cursor) -> SortOrder:
    """Return the order of the list that *cursor* belongs to."""
    column: Column = "name_key" if isinstance(cursor, NameCursor) else cursor.column
    return SortOrder(column, cursor.descending)


def cursor_key(cursor: Cursor) -> Key:
    """Return the key after which the list continues."""
    return cursor.key, cursor.id


cursor_rule = Rule(decode_cursor, {"type": "string", "maxLength": MAX_LENGTH})
