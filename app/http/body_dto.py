"""The Litestar DTO that reads a body with its BodySchema, which finds every wrong field."""

from typing import TypeVar, cast

from litestar.dto import AbstractDTO
from litestar.openapi.spec import Reference
from litestar.typing import FieldDefinition
from msgspec import Struct

from app.http.dependencies import get_dependencies
from app.http.errors import UnsupportedMediaTypeError
from app.http.types import ApiRequest

T = TypeVar("T", bound=Struct)


class BodyDTO(AbstractDTO[T]):
    """Reads a body with the schema of its Struct; Litestar would report one field only."""

    def decode_bytes(self, value: bytes) -> T:
        """Return the body as its Struct.

        Raises:
            UnsupportedMediaTypeError: the Content-Type is not JSON.
            MalformedBodyError, NotAnObjectError, InvalidFieldsError: as `BodySchema.read`.
        """
        request = cast("ApiRequest", self.asgi_connection)  # pyright: ignore[reportUnknownMemberType] — untyped there
        media_type = request.headers.get("content-type", "").partition(";")[0]
        if media_type.strip().lower() != "application/json":
            raise UnsupportedMediaTypeError
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
