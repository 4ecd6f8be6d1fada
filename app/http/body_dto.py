"""How Litestar reads our bodies: by their Form, which finds every wrong field, as a DTO."""

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
    """Reads a body with the app's form for its Struct; Litestar would report one field only."""

    def decode_bytes(self, value: bytes) -> T:
        """Return the body as its Struct.

        Raises:
            UnsupportedMediaTypeError: the body is not said to be JSON.
            MalformedBodyError, NotAnObjectError, InvalidFieldsError: as `Form.read`.
        """
        request = cast("ApiRequest", self.asgi_connection)  # pyright: ignore[reportUnknownMemberType] — untyped there
        media_type = request.headers.get("content-type", "").partition(";")[0]
        if media_type.strip().lower() != "application/json":
            raise UnsupportedMediaTypeError
        return get_dependencies(request.app).body_schemas[self.model_type].read(value)

    @classmethod
    def create_for_field_definition(cls, *_: object, **__: object) -> None:
        """Do nothing: a form needs no code made for it."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,  # noqa: ARG003 — Litestar's signature
        handler_id: str,  # noqa: ARG003 — Litestar's signature
        schema_creator: object,  # noqa: ARG003 — Litestar's signature
    ) -> Reference:
        """Return where the schema will be; app/http/openapi.py makes it of the form."""
        return Reference(f"#/components/schemas/{cls.model_type.__name__}")
