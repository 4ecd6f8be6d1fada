"""What all HTTP modules share: the type of a request, ids, header lists, fields by JSON name."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, get_args

from litestar import Request
from litestar.datastructures import State
from msgspec import Meta, Struct
from msgspec.structs import fields

from app.identifiers import INTEGRATION_ID
from app.locales.catalogues import Language
from app.tokens.principal import Principal
from domain.integration import Channel

ApiRequest = Request[Principal, Language, State]
ID_PATTERN = f"^{INTEGRATION_ID.pattern}$"
# For the OpenAPI document; responses are not validated.
Id = Annotated[str, Meta(pattern=ID_PATTERN)]
RESOURCE = rf"({INTEGRATION_ID.pattern}|def_({'|'.join(get_args(Channel))}))"
ResourceId = Annotated[str, Meta(pattern=f"^{RESOURCE}$")]
"""The id of an integration, or of the default of a channel."""


class Actor(Struct):
    """Who did it: the token's `sub`, and its `name` and `email` if it had them."""

    id: str
    name: str | None
    email: str | None


def list_header(request: Request[Any, Any, Any], name: str) -> str | None:
    """Return the list in the header *name*, whose lines are one list (RFC 9110, 5.3)."""
    lines = request.headers.getall(name, [])
    return ",".join(lines) if lines else None


@cache
def attributes_by_json_name(shape: type[Struct]) -> Mapping[str, str]:
    """Return the Python attribute of each field by its JSON name."""
    return {field.encode_name: field.name for field in fields(shape)}


@cache
def required_json_names(shape: type[Struct]) -> tuple[str, ...]:
    """Return the JSON names of the fields without a default."""
    return tuple(field.encode_name for field in fields(shape) if field.required)
