"""Warnings about a valid body, which the response shows with the data.

See docs/providers.md#warnings-and-strict-handling.
"""

from collections.abc import Container, Iterator, Mapping
from typing import cast

from msgspec import UNSET, Struct

from app.http.errors import FieldFinding
from app.http.field_rules import FieldProblem
from app.http.sender_phone import number_warning
from app.http.types import attributes_by_json_name
from app.pasted_text import BLANK, SPACE
from app.providers.google_service_account import INCOMPLETE, is_incomplete_account
from app.providers.lookalikes import (
    UNPRINTABLE,
    Given,
    PastedValue,
    find_lookalike,
    find_mixed_kinds,
    find_owner,
    holds_more_than_key,
    matches_format,
    wrappings_of,
)
from app.secrets.private_key_text import is_point
from app.secrets.secret import Secret
from app.stand_ins import REFERENCE
from app.wrappings import Wrapping
from domain.integration import SecretField
from domain.provider import Provider, ProviderField, ProviderFieldName

COMMON_FIELDS = frozenset({"name", "type", "channel", "isActive", "settings", "notices"})
KEY_FIELDS = frozenset({"apiKey", "apiSecret", "vapidPrivateKey", "vapidPublicKey"})
UNUSUAL_FORMAT = FieldProblem("UNUSUAL_FORMAT", "This does not look like a key of this provider")
NOT_USED = FieldProblem("NOT_USED", "This field is not used by this provider")
LOOKS_QUOTED = FieldProblem(
    "LOOKS_QUOTED",
    "This is in quotes or brackets, or a comma follows; they are stored as part of it: give it"
    " without them",
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
TEXT_AROUND = FieldProblem(
    "TEXT_AROUND",
    "This contains a key and something else, which is stored as part of it; give the key alone",
)
INCOMPLETE_ACCOUNT = FieldProblem("INCOMPLETE_ACCOUNT", INCOMPLETE)
SPACE_INSIDE = FieldProblem(
    "SPACE_INSIDE", "This contains a space or a line break, which no key has; it is stored as it is"
)
UNUSUAL_CHARACTER = FieldProblem(
    "UNUSUAL_CHARACTER", "This contains a character that no key has; it is stored as it is"
)
INVISIBLE_CHARACTER = FieldProblem(
    "UNUSUAL_CHARACTER",
    "This contains an invisible character, which no key has; it is stored as it is: copy the key"
    " again, or type it",
)
DEFAULT_OF_CHANNEL = FieldProblem(
    "DEFAULT_OF_CHANNEL",
    "This is the default of its channel: until it is on again, or another is chosen, workers get no"
    " lease by channel",
)
UNRESOLVED_VARIABLE = FieldProblem(
    "UNRESOLVED_VARIABLE",
    "This is the name of a variable, not its value; recipients read it as it is",
)
NOTHING: Mapping[SecretField, Secret] = {}
UNUSED_OF_OTHER = "This field is not used by this provider; the value belongs in {field}"
OF_OTHER = "This does not look like a value of this field; it looks like one of {field}"
WRAPPING_WARNINGS: Mapping[Wrapping, FieldProblem] = {
    Wrapping.QUOTES: LOOKS_QUOTED,
    Wrapping.SCHEME: LOOKS_LIKE_HEADER,
    Wrapping.VARIABLE: LOOKS_LIKE_VARIABLE,
    Wrapping.ESCAPE: LOOKS_ESCAPED,
}


def find_warnings(
    body: Struct, provider: Provider, stored: Mapping[SecretField, Secret] = NOTHING
) -> Iterator[FieldFinding]:
    """Find what *provider* does not expect in *body*, and what reading changed in it.

    *stored* are the secrets that new ones stand next to.
    """
    yield from (
        (name, each)
        for name, each in getattr(body, "notices", ())
        if not is_document(name, provider)  # what is around a document means nothing
    )
    given = values_in(body)
    for name, value in given.items():
        field = provider.fields.get(cast("ProviderFieldName", name))
        owner = find_owner(name, given, provider) if name in KEY_FIELDS else None
        meant = field or provider.fields.get(cast("ProviderFieldName", owner))
        found = [*key_warnings(value, meant, provider)] if name in KEY_FIELDS else []
        warning = unexpected_value(value, field, None if TEXT_AROUND in found else owner)
        if warning is None and name == "apiSecret" and repeats_key(given, provider):
            warning = of_owner(OF_OTHER, "apiKey")
        if warning and not (warning is UNUSUAL_FORMAT and has_unusual_content(found)):
            found.append(warning)
        if warning := content_warning(name, value, field):
            found.append(warning)
        yield from ((name, each) for each in found)
    yield from find_mixed_credentials(given, provider, stored)


def content_warning(
    name: str, value: PastedValue, field: ProviderField | None
) -> FieldProblem | None:
    """Return what is wrong with the content of a sender or a public key; None if nothing is."""
    if name == "senderPhone":
        return number_warning(value.text)
    if name.startswith("sender"):  # a name or an address
        return UNRESOLVED_VARIABLE if REFERENCE.search(value.text) else None
    if name == "vapidPublicKey" and field and matches_format(value, field):
        return None if is_point(value.unwrapped.text) else UNUSUAL_FORMAT
    return None


def repeats_key(given: Given, provider: Provider) -> bool:
    """Return whether the secret among *given* is the key, a right one, pasted twice."""
    key, field = given.get("apiKey"), provider.fields.get("apiKey")
    if key is None or field is None or key.unwrapped.text != given["apiSecret"].unwrapped.text:
        return False
    return matches_format(key, field)


def find_mixed_credentials(
    given: Given, provider: Provider, stored: Mapping[SecretField, Secret]
) -> Iterator[FieldFinding]:
    """Find credentials, *given* or *stored*, of which one is of another kind than the other."""
    kept = {str(name): PastedValue(secret.reveal().decode()) for name, secret in stored.items()}
    for name, found in find_mixed_kinds({**kept, **given}, provider):
        yield name, FieldProblem("OTHER_KIND", found.message)


def fields_of_kinds(body: Struct, provider: Provider) -> frozenset[str]:
    """Return the fields that show the kind of the credentials that *body* changes."""
    pairs = (
        {name, each.when.field}
        for name, field in provider.fields.items()
        for each in field.lookalikes
        if each.when
    )
    changed = values_in(body).keys()
    return frozenset(name for pair in pairs if pair & changed for name in pair)


def values_in(body: Struct) -> dict[str, PastedValue]:
    """Return the values of the fields that *body* gives, secrets too, by their names."""
    values = {
        name: getattr(body, attribute)
        for name, attribute in attributes_by_json_name(type(body)).items()
        if name not in COMMON_FIELDS
    }
    return {
        name: PastedValue(value.reveal().decode() if isinstance(value, Secret) else value)
        for name, value in values.items()
        if value is not None and value is not UNSET
    }


def is_document(name: str | None, provider: Provider) -> bool:
    """Return whether the field *name* of *provider* is the text of a file."""
    field = provider.fields.get(cast("ProviderFieldName", name))
    return field is not None and field.document


def has_unusual_content(found: Container[FieldProblem]) -> bool:
    """Return whether *found* says already that the value holds what no key has."""
    unusual = (SPACE_INSIDE, UNUSUAL_CHARACTER, INVISIBLE_CHARACTER, TEXT_AROUND)
    return any(each in found for each in unusual)


def key_warnings(
    value: PastedValue, field: ProviderField | None, provider: Provider
) -> Iterator[FieldProblem]:
    """Find what stands around the key *value*, or inside it, and belongs to none."""
    wrappings = wrappings_of(value, field)
    content = value.unwrapped.text if wrappings else value.text
    yield from (WRAPPING_WARNINGS[wrapping] for wrapping in Wrapping if wrapping in wrappings)
    if field and find_lookalike(value, field):
        return  # what it is says more
    if field and holds_more_than_key(value, field, provider):
        yield TEXT_AROUND
        return
    if (field and field.document) or not UNPRINTABLE.search(content):
        return
    if SPACE.search(content):
        yield SPACE_INSIDE
    rest = SPACE.sub("", content)
    if BLANK.search(rest):
        yield INVISIBLE_CHARACTER
    elif UNPRINTABLE.search(rest):
        yield UNUSUAL_CHARACTER


def unexpected_value(
    value: PastedValue, field: ProviderField | None, owner: str | None
) -> FieldProblem | None:
    """Return what is unexpected in the *value* of *field*; None if nothing is.

    *owner* is the name of the field that it looks like.
    """
    if field is None:
        return of_owner(UNUSED_OF_OTHER, owner) if owner else NOT_USED
    if lookalike := find_lookalike(value, field):
        return FieldProblem("OTHER_KIND", lookalike.message)
    if field.document and is_incomplete_account(value.readings):
        return INCOMPLETE_ACCOUNT
    if matches_format(value, field):
        return None
    return of_owner(OF_OTHER, owner) if owner else UNUSUAL_FORMAT


def of_owner(message: str, owner: str) -> FieldProblem:
    """Return the warning that a value is of the field *owner*."""
    return FieldProblem("OTHER_FIELD", message, {"field": owner})
