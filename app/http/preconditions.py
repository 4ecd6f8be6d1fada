"""Versions as entity tags: If-Match and If-None-Match (RFC 9110, 13.1)."""

import re
from collections.abc import Sequence
from hashlib import blake2b

from msgspec import UnsetType

from app.http.types import ApiRequest, list_header
from projections.integration_view import IntegrationRow

# An element of a list: `*`, or an entity tag, weak or strong. Possessive: without backtracking.
ELEMENT = re.compile(r'(?:^|,)[ \t]*+(?:(\*)|(W/)?"([\x21\x23-\x7e\x80-\xff]*+)")[ \t]*+(?=,|$)')
DIGITS = re.compile(r"[1-9][0-9]{0,17}")


def etag(version: int) -> str:
    """Return the entity tag of an integration's *version*."""
    return f'"{version}"'


def list_etag(rows: Sequence[IntegrationRow], total: int, cursor: str | UnsetType) -> str:
    """Return the entity tag of a list: it changes with each row shown, total and next *cursor*."""
    shown = ",".join(f"{row.id}:{row.version}" for row in rows)
    return body_etag(f"{total};{cursor};{shown}".encode())


def body_etag(body: bytes) -> str:
    """Return the entity tag of *body*: a digest of it."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def if_match_versions(request: ApiRequest) -> frozenset[int] | None:
    """Return the versions that If-Match names; None if any matches.

    A weak or foreign tag matches no version: If-Match compares strongly. `*` matches any, alone or
    among others.
    """
    header = list_header(request, "if-match")
    elements = ELEMENT.findall(header or "")
    if header is None or any(star for star, _, _ in elements):
        return None
    strong = [tag for _, weak, tag in elements if not weak]
    return frozenset(int(tag) for tag in strong if DIGITS.fullmatch(tag))


def matches_if_none_match(request: ApiRequest, tag: str) -> bool:
    """Return whether If-None-Match contains *tag*: the client has this version."""
    elements = ELEMENT.findall(list_header(request, "if-none-match") or "")
    return any(star or f'"{known}"' == tag for star, _, known in elements)
