"""Warnings about a valid body, which the response shows with the data (contract, 4)."""

import re
from collections.abc import Container, Iterator, Mapping
from typing import cast

from msgspec import UNSET, Struct

from app.http.errors import FieldFinding
from app.http.field_rules import FieldProblem
from app.http.sender_phone import number_warning
from app.http.types import attributes_by_json_name
from app.pasted_text import SPACE
from app.providers.google_service_account import is_incomplete_account
from app.providers.lookalikes import find_lookalike, matches_format
from app.secrets.secret import Secret
from app.wrappings import Wrapping, unwrap
from domain.provider import Provider, ProviderField, ProviderFieldName

COMMON_FIELDS = frozenset({"name", "type", "channel", "isActive", "settings", "notices"})
KEY_FIELDS = frozenset({"apiKey", "apiSecret", "vapidPrivateKey", "vapidPublicKey"})
UNUSUAL_FORMAT = FieldProblem("UNUSUAL_FORMAT", "This does not look like a key of this provider")
NOT_USED = FieldProblem("NOT_USED", "This field is not used by this provider")
LOOKS_QUOTED = FieldProblem(
    "LOOKS_QUOTED", "This is in quotes, which are stored as part of it; give it without them"
)
LOOKS_LIKE_HEADER = FieldProblem(
    "LOOKS_LIKE_HEADER",
    "This begins like a header (Bearer …), which is stored as part of it; give the key alone",
)
LOOKS_LIKE_VARIABLE = FieldProblem(
    "LOOKS_LIKE_VARIABLE",
    "This begins with a name (NAME=), which is stored as part of it; give the value alone",
)
LOOKS_ESCAPED = FieldProblem(
    "LOOKS_ESCAPED",
    "This begins or ends with a space or a line break written as \\n, %0A or the like, which is"
    " stored as part of it; give the key without it",
)
INCOMPLETE_ACCOUNT = FieldProblem(
    "INCOMPLETE_ACCOUNT",
    "This is not the whole JSON of a service account: it needs type, project_id, client_email and"
    " a private_key in PEM, at the top",
)
SPACE_INSIDE = FieldProblem(
    "SPACE_INSIDE", "This contains a space or a line break, which no key has; it is stored as it is"
)
UNUSUAL_CHARACTER = FieldProblem(
    "UNUSUAL_CHARACTER", "This contains a character that no key has; it is stored as it is"
)
DEFAULT_OF_CHANNEL = FieldProblem(
    "DEFAULT_OF_CHANNEL",
    "This is the default of its channel: until it is on again, or another is chosen, workers get no"
    " lease by channel",
)
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
WRAPPING_WARNINGS: Mapping[Wrapping, FieldProblem] = {
    Wrapping.QUOTES: LOOKS_QUOTED,
    Wrapping.SCHEME: LOOKS_LIKE_HEADER,
    Wrapping.VARIABLE: LOOKS_LIKE_VARIABLE,
    Wrapping.ESCAPE: LOOKS_ESCAPED,
}


def find_warnings(body: Struct, provider: Provider) -> Iterator[FieldFinding]:
    """Find what *provider* does not expect in *body*, and what reading changed in it."""
    yield from getattr(body, "notices", ())
    for name, attribute in attributes_by_json_name(type(body)).items():
        value = getattr(body, attribute)
        if value is None or value is UNSET or name in COMMON_FIELDS:
            continue
        text = value.reveal().decode() if isinstance(value, Secret) else value
        field = provider.fields.get(cast("ProviderFieldName", name))
        found = [*key_warnings(text, field)] if name in KEY_FIELDS else []
        warning = unexpected_value(name, text, field, provider)
        if warning and not (warning is UNUSUAL_FORMAT and has_unusual_content(found)):
            found.append(warning)
        if name == "senderPhone" and (warning := number_warning(text)):
            found.append(warning)
        yield from ((name, each) for each in found)


def has_unusual_content(found: Container[FieldProblem]) -> bool:
    """Return whether *found* says already that the value holds what no key has."""
    return SPACE_INSIDE in found or UNUSUAL_CHARACTER in found


def key_warnings(text: str, field: ProviderField | None) -> Iterator[FieldProblem]:
    """Find what stands around the key *text*, or inside it, and belongs to none."""
    unwrapped = unwrap(text)
    yield from (
        WRAPPING_WARNINGS[wrapping] for wrapping in Wrapping if wrapping in unwrapped.wrappings
    )
    if (field and field.document) or not UNPRINTABLE.search(unwrapped.text):
        return
    if SPACE.search(unwrapped.text):
        yield SPACE_INSIDE
    if UNPRINTABLE.search(SPACE.sub("", unwrapped.text)):
        yield UNUSUAL_CHARACTER


def unexpected_value(
    name: str, text: str, field: ProviderField | None, provider: Provider
) -> FieldProblem | None:
    """Return what is unexpected in the value *text* of *field*; None if nothing is."""
    if field is None:
        other = field_of_document(text, provider) if name in KEY_FIELDS else None
        return other_field_warning(other) if other else NOT_USED
    if lookalike := find_lookalike(text, field):
        return FieldProblem("OTHER_KIND", lookalike.message)
    if not matches_format(text, field):
        return UNUSUAL_FORMAT
    return INCOMPLETE_ACCOUNT if field.document and is_incomplete_account(text) else None


def other_field_warning(name: str) -> FieldProblem:
    """Return the warning that a value belongs in the field *name*."""
    message = "This field is not used by this provider; the value belongs in {field}"
    return FieldProblem("OTHER_FIELD", message, {"field": name})


def field_of_document(text: str, provider: Provider) -> str | None:
    """Return the name of the field of *provider* whose document *text* is; None if none is."""
    documents = {name: field for name, field in provider.fields.items() if field.document}
    return next((name for name, field in documents.items() if matches_format(text, field)), None)
