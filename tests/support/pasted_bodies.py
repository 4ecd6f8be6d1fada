"""Bodies of integrations whose fields were pasted, and what is read of them."""

import json
from typing import Any

import jsonschema_rs
import pytest
from msgspec import Struct

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import CREDENTIALS_SCHEMA, create_schema, update_schema
from app.http.integrations.public_text import OUR_WORDS
from app.http.integrations.warnings import find_warnings
from app.http.openapi.components import json_schema
from app.http.request_bodies import BodySchema
from app.http.types import attributes_by_json_name
from app.providers.registry import load_providers
from app.secrets.secret import Secret

PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
SCHEMAS: dict[str, BodySchema[Any]] = {
    "create": CREATE,
    "change": update_schema(PROVIDERS),
    "credentials": CREDENTIALS_SCHEMA,
}
PUBLIC = "BO077I5J60mOkqqPZhxz2bTdTjthYQWSB1h_qgOWnMCpwUXJimJ8JkogQB8vg7phXOOIkPl-biQVKT2CyAdQ_LY"
PRIVATE = "PT7hHC-_f2prHmqhbDgmMexfH7_FDKO6WonTZtIu6u8"
PATH = "/en/api/integration"
SG = "SG." + "a" * 22 + "." + "b" * 43
VALUES = {
    "name": "Zoë",
    "type": "SENDGRID",
    "channel": "EMAIL",
    "senderName": "می‌خواهم",
    "senderEmail": "noreply@example.com",
    "senderPhone": "+447700900000",
    "vapidPublicKey": PUBLIC,
    "apiKey": SG,
    "apiSecret": "0123456789abcdef",
    "vapidPrivateKey": "a private key, which is none",
}
FIELDS = [
    (body, field) for body, schema in SCHEMAS.items() for field in VALUES if field in schema.rules
]


def body_with(body: str, field: str, value: str) -> bytes:
    """Return a body of the kind *body* whose *field* is *value*, as JSON."""
    base = {n: VALUES[n] for n in ("name", "type", "channel")} if body == "create" else {}
    return json.dumps(base | {field: value}).encode()


def read(body: str, field: str, value: str) -> object:
    """Return *field* of the body as it is read; a secret as its text."""
    sent = body_with(body, field, value)
    parsed: Struct = SCHEMAS[body].read(sent)
    if field not in OUR_WORDS:  # a client that checks by the OpenAPI document refuses none
        assert jsonschema_rs.is_valid(json_schema(SCHEMAS[body]), json.loads(sent))
    result = getattr(parsed, attributes_by_json_name(type(parsed))[field])
    return result.reveal().decode() if isinstance(result, Secret) else result


def codes(body: str, field: str, value: str) -> set[str]:
    """Return the codes of the errors in *field*."""
    with pytest.raises(InvalidFieldsError) as refused:
        SCHEMAS[body].read(body_with(body, field, value))
    found = [(name, problem.code) for name, problem in refused.value.findings]
    assert {name for name, _ in found} == {field}
    return {code for _, code in found}


def warnings_of(fields: dict[str, Any]) -> list[tuple[str | None, str]]:
    """Return field and code of the warnings about a new integration."""
    base = {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}
    parsed: Struct = CREATE.read(json.dumps(base | fields).encode())
    provider = PROVIDERS[(base | fields)["type"]]
    return [(field, warning.code) for field, warning in find_warnings(parsed, provider)]
