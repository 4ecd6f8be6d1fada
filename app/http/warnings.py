"""What is accepted and yet doubtful about a body (contract, 4): warnings beside the data."""

import re
from collections.abc import Iterator

import phonenumbers
from msgspec.structs import asdict, fields

from app.http.bodies import CreateIntegrationBody
from app.http.fields import FieldProblem
from app.http.forms import Found
from app.secrets.secret import Secret
from domain.provider import Provider

COMMON_FIELDS = frozenset({"name", "type", "channel", "isActive"})
UNUSUAL = FieldProblem("UNUSUAL_FORMAT", "This does not look like a key of this provider")
UNUSED = FieldProblem("NOT_USED", "This field is not used by this provider")
IMPOSSIBLE = FieldProblem("IMPOSSIBLE_PHONE", "This number cannot exist; check it")


def warnings_about(body: CreateIntegrationBody, provider: Provider) -> Iterator[Found]:
    """Find what *provider* would not expect in *body*."""
    names = {field.name: field.encode_name for field in fields(body)}
    for attribute, value in asdict(body).items():
        name = names[attribute]
        if value is None or name in COMMON_FIELDS:
            continue
        if name not in provider.fields:
            yield name, UNUSED
        elif not has_format(value, provider.fields[name].format):
            yield name, UNUSUAL
    if body.sender_phone and not is_possible(body.sender_phone):
        yield "senderPhone", IMPOSSIBLE


def has_format(value: str | Secret, form: str | None) -> bool:
    """Tell whether the whole of *value* matches *form*; everything does where there is none."""
    text = value.reveal().decode() if isinstance(value, Secret) else value
    return form is None or re.fullmatch(form, text) is not None


def is_possible(phone: str) -> bool:
    """Tell whether a number like *phone* can exist in its country's numbering plan."""
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return False
