"""The Litestar DTO that reads a body with its BodySchema, which finds every wrong field."""

from typing import Any, TypeVar, cast

from litestar import Request
from litestar.dto import AbstractDTO
from litestar.openapi.spec import Reference
from litestar.typing import FieldDefinition
from msgspec import Struct

from app.http.dependencies import get_dependencies
from app.http.errors import UnsupportedEncodingError, UnsupportedMediaTypeError
from app.http.types import ApiRequest, list_header

UTF_8 = frozenset({"utf-8", "utf8"})
QUOTES = "\"'"
T = TypeVar("T", bound=Struct)


class BodyDTO(AbstractDTO[T]):
    """Reads a body with the schema of its Struct; Litestar would report one field only."""

    def decode_bytes(self, value: bytes) -> T:
        """Return the body as its Struct.

        Raises:
            UnsupportedEncodingError: the body has a Content-Encoding.
            UnsupportedMediaTypeError: the Content-Type is not JSON in UTF-8.
            NotUtf8Error, MalformedBodyError, NotAnObjectError, InvalidFieldsError: as
                `BodySchema.read`.
        """
        request = cast("ApiRequest", self.asgi_connection)  # pyright: ignore[reportUnknownMemberType] — untyped there
        require_json(request)
        return get_dependencies(request.app).body_schemas[self.model_type].read(value)

    @classmethod
    def create_for_field_definition(cls, *_: object, **__: object) -> None:
        """Do nothing: a BodySchema needs no generated code."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,  # noqa: ARG003 — Litestar's signature
        handler_id: str,  # noqa: ARG003 — Litestar's signature
        schema_creator: object,  # noqa: ARG003 — Litestar's signature
    ) -> Reference:
        """Return a reference to the schema, which openapi/document.py adds."""
        return Reference(f"#/components/schemas/{cls.model_type.__name__}")


def require_json(request: Request[Any, Any, Any]) -> None:
    """Look at what the headers of *request* say of its body.

    Raises:
        UnsupportedEncodingError: it has a Content-Encoding.
        UnsupportedMediaTypeError: the Content-Type is not JSON in UTF-8.
    """
    if not is_identity(list_header(request, "content-encoding") or ""):
        raise UnsupportedEncodingError
    if not is_json_in_utf8(request):
        raise UnsupportedMediaTypeError


def is_identity(encodings: str) -> bool:
    """Return whether the list *encodings* names no encoding but `identity`."""
    return all(each.strip().lower() in ("", "identity") for each in encodings.split(","))


def is_json_in_utf8(request: Request[Any, Any, Any]) -> bool:
    """Return whether the body of *request* is application/json; its charset, if any, is UTF-8."""
    media_type, parameters = request.content_type
    charset = parameters.get("charset", "utf-8").strip(QUOTES).lower()
    return media_type == "application/json" and charset in UTF_8
