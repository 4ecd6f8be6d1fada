"""Ids of workspaces and integrations; these are TypeIDs with the prefix `int` (UUIDv7, base32)."""

import re

from typeid import TypeID

# 26 base32 digits hold 130 bits; the first is at most 7, as a UUID has 128.
INTEGRATION_ID = re.compile(r"int_[0-7][0-9a-hjkmnp-tv-z]{25}")
WORKSPACE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def new_integration_id() -> str:
    """Return a new id; later ones sort after earlier ones, by the millisecond."""
    return str(TypeID(prefix="int"))


def is_integration_id(text: str) -> bool:
    """Return whether *text* has the form of an integration id."""
    return INTEGRATION_ID.fullmatch(text) is not None
