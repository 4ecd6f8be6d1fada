"""The names of a Struct's fields, in JSON and in Python; worked out once a Struct."""

from collections.abc import Mapping
from functools import cache

from msgspec import Struct
from msgspec.structs import fields


@cache
def attributes_of(shape: type[Struct]) -> Mapping[str, str]:
    """Return the attribute of each field, by the field's name in JSON."""
    return {field.encode_name: field.name for field in fields(shape)}


@cache
def required_in(shape: type[Struct]) -> tuple[str, ...]:
    """Return the names in JSON of the fields that have no default."""
    return tuple(field.encode_name for field in fields(shape) if field.required)
