"""What a form takes, as JSON Schema: the truth of the OpenAPI document about bodies."""

from typing import Any

from msgspec.structs import fields

from app.http.field_rules import Rule
from app.http.request_bodies import Form

Json = dict[str, Any]


def schema_of(form: Form[Any]) -> Json:
    """Return the JSON Schema of the bodies that *form* takes."""
    required = [field.encode_name for field in fields(form.shape) if field.required]
    schema: Json = {
        "type": "object",
        "title": form.shape.__name__,
        "description": form.shape.__doc__,
        "properties": {
            name: with_null(rule) if takes_null(form, name, required) else dict(rule.schema)
            for name, rule in form.rules.items()
        },
        "additionalProperties": False,
    }
    # Within allOf, as generators of typed clients take a bare anyOf for all that a body has.
    across = {"allOf": [form.across]} if form.across else {}
    return schema | across | ({"required": required} if required else {})


def takes_null(form: Form[Any], name: str, required: list[str]) -> bool:
    """Tell whether null may stand for *name*: as absent, or to clear."""
    return name in form.clearable or not (form.null_is_wrong or name in required)


def with_null(rule: Rule) -> Json:
    """Return the schema of *rule*, or null; only type and enum forbid null by themselves."""
    return {**rule.schema, "type": [rule.schema["type"], "null"]}
