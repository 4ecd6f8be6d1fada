"""The parts of the OpenAPI document that operations share: headers, parameters, security."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import fields

from app.http.field_rules import Rule
from app.http.request_bodies import BodySchema
from app.http.types import ID_PATTERN
from app.locales.language_tag import MAX_TAG_LENGTH, PATTERN

Json = dict[str, Any]
JSON = "application/json"
TEXT = {"type": "string"}
ENTITY_TAG = {"type": "string", "pattern": '^"[0-9a-zA-Z_-]+"$'}
REQUEST_ID = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
IDEMPOTENCY_KEY = {"type": "string", "pattern": "^[\\x20-\\x7e]{1,255}$"}
LOCALE = {"type": "string", "maxLength": MAX_TAG_LENGTH, "pattern": PATTERN}
SECURITY_SCHEMES: Json = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}


def header(description: str, schema: Json, *, required: bool = True) -> Json:
    """Return a header of an answer."""
    return {"description": description, "schema": schema, "required": required}


HEADERS: Json = {
    "X-Request-Id": header("The caller's, or a new one; finds the request in our logs", REQUEST_ID),
    "Content-Language": header("The language of the messages", TEXT),
    "Location": header(
        "Where the new integration is", {"type": "string", "format": "uri-reference"}
    ),
    "ETag": header("The version, or what the list shows", ENTITY_TAG),
    "Idempotency-Replayed": header(
        "There where the answer is that to an earlier request", {"const": "true"}, required=False
    ),
    "Preference-Applied": header(
        "There where strict handling was asked for", {"const": "handling=strict"}, required=False
    ),
    "WWW-Authenticate": header("How to prove who asks", {"const": "Bearer"}),
    "Retry-After": header("Seconds to wait before asking again", {"type": "integer"}),
}


def parameter(place: str, name: str, description: str, schema: Json) -> Json:
    """Return a parameter in *place*: path or header; those in the path are required."""
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
    }


PARAMETERS: Mapping[str, Json] = {
    "locale": parameter(
        "path",
        "locale",
        "The language of the messages, a BCP 47 tag; one that we lack falls back (pt-BR, pt, en)",
        LOCALE | {"examples": ["en", "es"]},
    ),
    "integrationId": parameter(
        "path",
        "integrationId",
        "Integration ID",
        {"type": "string", "pattern": ID_PATTERN},
    ),
    "Idempotency-Key": parameter(
        "header",
        "Idempotency-Key",
        "The same request under the same key gets the first answer, for 24 h",
        IDEMPOTENCY_KEY,
    ),
    "Prefer": parameter(
        "header",
        "Prefer",
        "`handling=strict` refuses what is doubtful, 422, instead of warning (RFC 7240)",
        TEXT,
    ),
    "If-Match": parameter("header", "If-Match", "Only if this is still the version", TEXT),
    "If-None-Match": parameter(
        "header", "If-None-Match", "Only if this is not what is there", TEXT
    ),
}


def json_schema(form: BodySchema[Any]) -> Json:
    """Return the JSON Schema of the bodies that *form* takes."""
    required = [field.encode_name for field in fields(form.shape) if field.required]
    schema: Json = {
        "type": "object",
        "title": form.shape.__name__,
        "description": form.shape.__doc__,
        "properties": {
            name: nullable(rule) if accepts_null(form, name, required) else dict(rule.schema)
            for name, rule in form.rules.items()
        },
        "additionalProperties": False,
    }
    # Within allOf, as generators of typed clients take a bare anyOf for all that a body has.
    across = {"allOf": [form.cross_field_schema]} if form.cross_field_schema else {}
    return schema | across | ({"required": required} if required else {})


def accepts_null(form: BodySchema[Any], name: str, required: list[str]) -> bool:
    """Tell whether null may stand for *name*: as absent, or to clear."""
    return name in form.clearable or not (form.null_is_wrong or name in required)


def nullable(rule: Rule) -> Json:
    """Return the schema of *rule*, or null; only type and enum forbid null by themselves."""
    return {**rule.schema, "type": [rule.schema["type"], "null"]}
