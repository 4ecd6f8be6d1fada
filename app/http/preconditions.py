"""Versions as entity tags: If-Match and If-None-Match (RFC 9110, 13.1)."""

import re
from collections.abc import Sequence
from hashlib import blake2b

from msgspec import UnsetType

from app.http.types import ApiRequest
from projections.integration_view import IntegrationRow

ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
DIGITS = re.compile(r"[1-9][0-9]{0,17}")


def etag(version: int) -> str:
    """Return the entity tag of an integration's *version*."""
    return f'"{version}"'


def list_etag(rows: Sequence[IntegrationRow], total: int, cursor: str | UnsetType) -> str:
    """Return the entity tag of a list: it changes with each row shown, total and next *cursor*."""
    shown = ",".join(f"{row.id}:{row.version}" for row in rows)
    return f'"{blake2b(f"{total};{cursor};{shown}".encode(), digest_size=12).hexdigest()}"'


def if_match_versions(request: ApiRequest) -> frozenset[int] | None:
    """Return the versions that If-Match names; None if any matches.

    A weak or foreign tag matches no version: If-Match compares strongly.
    """
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    strong = [tag for weak, tag in ENTITY_TAG.findall(header) if not weak]
    return frozenset(int(tag) for tag in strong if DIGITS.fullmatch(tag))


def matches_if_none_match(request: ApiRequest, tag: str) -> bool:
    """Return whether If-None-Match contains *tag*: the client has this version."""
    header = request.headers.get("if-none-match", "")
    return header.strip() == "*" or tag in (f'"{known}"' for _, known in ENTITY_TAG.findall(header))
