"""How the OpenAPI document shows a secret: a string that is written and never read."""

from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from app.http.bodies import SECRET_LENGTH
from app.secrets.secret import Secret


class SecretSchema(OpenAPISchemaPlugin):
    """Gives `Secret` a schema; Litestar knows none for it."""

    @staticmethod
    def is_plugin_supported_type(value: object) -> bool:
        """Tell whether *value* is the type Secret."""
        return value is Secret

    def to_openapi_schema(
        self,
        field_definition: FieldDefinition,  # noqa: ARG002 — Litestar's signature
        schema_creator: object,  # noqa: ARG002 — Litestar's signature
    ) -> Schema:
        """Return the schema of a secret."""
        return Schema(
            type=OpenAPIType.STRING, write_only=True, min_length=1, max_length=SECRET_LENGTH
        )
