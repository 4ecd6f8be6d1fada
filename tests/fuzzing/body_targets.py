"""JSON bodies of requests."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from app.http.errors import (
    InvalidFieldsError,
    MalformedBodyError,
    NoBodyError,
    NotAnObjectError,
    NotUtf8Error,
)
from app.http.integrations.bodies import (
    CHANNELS,
    CREDENTIALS_SCHEMA,
    TOGGLE_SCHEMA,
    create_schema,
    update_schema,
)
from app.http.integrations.examples import CREATE_EXAMPLES
from app.http.integrations.warnings import find_warnings
from app.http.request_bodies import BodySchema
from app.http.types import attributes_by_json_name
from app.providers.registry import load_providers
from app.secrets.secret import Secret
from tests.fuzzing.target import Target, require

PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
PAIR = {
    "vapidPublicKey": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMo"
    "ZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
    "vapidPrivateKey": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
}
CHOICES = tuple(", ".join(sorted(each)) for each in (PROVIDERS, CHANNELS))
CHANGE = {"name": "Mail", "senderEmail": None, "senderPhone": "+4930123456", "isActive": False}


def read_body(form: BodySchema[Any], body: bytes) -> None:
    """Read *body*, find its warnings, encode it and read it again."""
    read = form.read(body)
    warned = list(find_warnings(read, PROVIDERS[getattr(read, "type", "WEB_PUSH")]))
    require(all(name in form.rules for name, _ in warned), "a warning names a field of the form")
    again = form.read(encode_body(read))
    require(is_same(again, read), "a body is read as it was written")


def is_same(one: Struct, other: Struct) -> bool:
    """Return whether two bodies have the same fields; what was trimmed from them is no field."""
    fields = [name for name in one.__struct_fields__ if name != "notices"]
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def encode_body(body: Struct) -> bytes:
    """Return *body* as JSON, with its secrets."""
    values = {
        name: getattr(body, field) for name, field in attributes_by_json_name(type(body)).items()
    }
    values.pop("notices", None)
    plain = {n: v.reveal().decode() if isinstance(v, Secret) else v for n, v in values.items()}
    return msgspec.json.encode({n: v for n, v in plain.items() if v is not UNSET})


def body_target(
    name: str, form: BodySchema[Any], examples: Iterable[Mapping[str, object]]
) -> Target:
    """Return the target of the bodies that *form* reads."""
    return Target(
        name=name,
        read=partial(read_body, form),
        refusals=(
            MalformedBodyError,
            NotUtf8Error,
            NoBodyError,
            NotAnObjectError,
            InvalidFieldsError,
        ),
        examples=tuple(msgspec.json.encode(example) for example in examples),
        known=CHOICES,  # a refusal lists them
        words=tuple(f'"{field}":'.encode() for field in (*form.rules, *form.other_endpoint_fields)),
    )


TARGETS = (
    body_target("body-create", CREATE, [*CREATE_EXAMPLES.values()]),
    body_target("body-change", update_schema(PROVIDERS), [CHANGE, PAIR]),
    body_target("body-toggle", TOGGLE_SCHEMA, [{"isActive": True}]),
    body_target("body-credentials", CREDENTIALS_SCHEMA, [PAIR, {"apiKey": "SG.abc123"}]),
)
