"""Warnings about a valid body, which the response shows with the data (contract, 4)."""

import re
from collections.abc import Iterator

import phonenumbers
from msgspec import UNSET, Struct

from app.http.errors import FieldFinding
from app.http.field_rules import FieldProblem
from app.http.types import attributes_by_json_name
from app.secrets.secret import Secret
from domain.provider import Provider

COMMON_FIELDS = frozenset({"name", "type", "channel", "isActive"})
UNUSUAL_FORMAT = FieldProblem("UNUSUAL_FORMAT", "This does not look like a key of this provider")
NOT_USED = FieldProblem("NOT_USED", "This field is not used by this provider")
IMPOSSIBLE_PHONE = FieldProblem("IMPOSSIBLE_PHONE", "This number cannot exist; check it")


def find_warnings(body: Struct, provider: Provider) -> Iterator[FieldFinding]:
    """Find what *provider* does not expect in *body*."""
    formats = {name: field.format for name, field in provider.fields.items()}
    for name, attribute in attributes_by_json_name(type(body)).items():
        value = getattr(body, attribute)
        if value is None or value is UNSET or name in COMMON_FIELDS:
            continue
        if name not in formats:
            yield name, NOT_USED
        elif not matches_format(value, formats[name]):
            yield name, UNUSUAL_FORMAT
        if name == "senderPhone" and not is_possible_number(value):
            yield name, IMPOSSIBLE_PHONE


def matches_format(value: str | Secret, pattern: str | None) -> bool:
    """Return whether *value* fully matches *pattern*; None matches everything."""
    text = value.reveal().decode() if isinstance(value, Secret) else value
    return pattern is None or re.fullmatch(pattern, text) is not None


def is_possible_number(phone: str) -> bool:
    """Return whether *phone* can exist in its country's numbering plan."""
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return False
