"""The components of the OpenAPI document: headers, parameters, security, body schemas."""

from collections.abc import Mapping
from typing import Any, get_args

from msgspec.structs import fields

from app.http.field_rules import nullable
from app.http.openapi.samples import ID, Json
from app.http.request_bodies import BodySchema
from app.http.types import ID_PATTERN
from app.locales.language_tag import MAX_TAG_LENGTH, PATTERN
from domain.integration import Channel

JSON = "application/json"
TEXT = {"type": "string"}
TAGS = TEXT | {"examples": ['"1"']}
ENTITY_TAG = {"type": "string", "pattern": '^"[0-9a-zA-Z_-]+"$'}
REQUEST_ID = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
IDEMPOTENCY_KEY = {"type": "string", "pattern": "^[\\x20-\\x7e]{1,255}$"}
LOCALE = {"type": "string", "maxLength": MAX_TAG_LENGTH, "pattern": PATTERN}
SECURITY_SCHEMES: Json = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}


def header(description: str, schema: Json, *, required: bool = True) -> Json:
    """Return a header of a response."""
    return {"description": description, "schema": schema, "required": required}


HEADERS: Json = {
    "X-Request-Id": header(
        "The client's or a new one; identifies the request in the logs", REQUEST_ID
    ),
    "Content-Language": header("The language of the messages", TEXT),
    "Location": header(
        "Where the new integration is", {"type": "string", "format": "uri-reference"}
    ),
    "ETag": header("The version of the integration, or a digest of the list", ENTITY_TAG),
    "Idempotency-Replayed": header(
        "Present if this is the stored response to an earlier request",
        {"const": "true"},
        required=False,
    ),
    "Preference-Applied": header(
        "Present if strict handling was applied", {"const": "handling=strict"}, required=False
    ),
    "WWW-Authenticate": header(
        "How to authenticate", {"enum": ["Bearer", 'Bearer error="invalid_token"']}
    ),
    "Accept-Encoding": header(
        "Present if the body had an encoding that is not accepted",
        {"const": "identity"},
        required=False,
    ),
    "Retry-After": header("Seconds to wait before the next request", {"type": "integer"}),
}


def parameter(location: str, name: str, description: str, schema: Json) -> Json:
    """Return a parameter in *location*: path or header; those in the path are required."""
    return {
        "name": name,
        "in": location,
        "required": location == "path",
        "description": description,
        "schema": schema,
    }


PARAMETERS: Mapping[str, Json] = {
    "locale": parameter(
        "path",
        "locale",
        "The language of the messages, a BCP 47 tag; unknown ones fall back (pt-BR, pt, en)",
        LOCALE | {"examples": ["en", "es"]},
    )
    | {"example": "en"},  # which the page fills in; a default would make clients leave it out
    "integrationId": parameter(
        "path",
        "integrationId",
        "Integration ID",
        {"type": "string", "pattern": ID_PATTERN, "examples": [ID]},
    ),
    "channel": parameter(
        "path",
        "channel",
        "Channel",
        {"type": "string", "enum": [*get_args(Channel)], "examples": ["EMAIL"]},
    )
    | {"example": "EMAIL"},
    "Idempotency-Key": parameter(
        "header",
        "Idempotency-Key",
        "A repeated request with the same key gets the first response, for 24 hours",
        IDEMPOTENCY_KEY | {"examples": ["create-sendgrid-1"]},
    ),
    "Prefer": parameter(
        "header",
        "Prefer",
        "`handling=strict` turns warnings into 422 (RFC 7240)",
        TEXT | {"examples": ["handling=strict"]},
    ),
    "Last-Event-ID": parameter(
        "header",
        "Last-Event-ID",
        "In a stream the same as `after`, and counts before it; else it is not read",
        TEXT | {"examples": ["3"]},
    ),
    "If-Match": parameter("header", "If-Match", "Only if this is still the current version", TAGS),
    "If-None-Match": parameter(
        "header", "If-None-Match", "Only if this is not the current version", TAGS
    ),
}


def json_schema(body: BodySchema[Any]) -> Json:
    """Return the JSON Schema of the bodies that *body* accepts."""
    required = [field.encode_name for field in fields(body.shape) if field.required]
    schema: Json = {
        "type": "object",
        "title": body.shape.__name__,
        "description": body.shape.__doc__,
        "properties": {
            name: nullable(rule.schema) if accepts_null(body, name, required) else rule.schema
            for name, rule in body.rules.items()
        },
        "additionalProperties": False,
    }
    # Within allOf, as generators of typed clients take a bare anyOf for all that a body has.
    cross_field = {"allOf": [body.cross_field_schema]} if body.cross_field_schema else {}
    return schema | cross_field | ({"required": required} if required else {})


def accepts_null(body: BodySchema[Any], name: str, required: list[str]) -> bool:
    """Return whether *name* may be null: the same as absent, or to clear it."""
    return name in body.clearable or not (body.null_is_wrong or name in required)
