"""Versions as entity tags: If-Match and If-None-Match (RFC 9110, 13.1)."""

import re
from collections.abc import Collection, Sequence
from hashlib import blake2b

from msgspec import UnsetType

from app.http.types import ApiRequest, list_header
from projections.integration_view import IntegrationRow

# An element of a list: `*`, or an entity tag, weak or strong. Possessive: without backtracking.
ELEMENT = re.compile(r'(?:^|,)[ \t]*+(?:(\*)|(W/)?"([\x21\x23-\x7e\x80-\xff]*+)")[ \t]*+(?=,|$)')
DIGITS = re.compile(r"[1-9][0-9]{0,17}")
ANY_VERSION = range(1, 10**18)


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


def if_match_versions(request: ApiRequest) -> Collection[int] | None:
    """Return the versions that If-Match names; None without it.

    A weak, foreign or malformed tag matches no version: If-Match compares strongly.
    """
    header = list_header(request, "if-match")
    return None if header is None else versions_in(header, weak="")


def if_none_match_versions(request: ApiRequest) -> Collection[int]:
    """Return the versions that If-None-Match of a change names, weak or not."""
    return versions_in(list_header(request, "if-none-match") or "", weak="W/")


def versions_in(header: str, weak: str) -> Collection[int]:
    """Return the versions in *header*; of its tags only the strong ones if *weak* is empty.

    `*` is any version, alone or among others.
    """
    elements = ELEMENT.findall(header)
    if any(star for star, _, _ in elements):
        return ANY_VERSION
    tags = [tag for _, mark, tag in elements if mark in {"", weak}]
    return frozenset(int(tag) for tag in tags if DIGITS.fullmatch(tag))


def matches_if_none_match(request: ApiRequest, tag: str) -> bool:
    """Return whether If-None-Match contains *tag*: the client has this version.

    What is malformed in it matches nothing: the response is complete then, and so never wrong.
    """
    elements = ELEMENT.findall(list_header(request, "if-none-match") or "")
    return any(star or f'"{known}"' == tag for star, _, known in elements)
