"""Which providers there are, and what each needs (contract, 11)."""

from collections.abc import Iterable
from typing import get_args
from urllib.parse import urlsplit

from litestar import Controller, Response, get
from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from app.http.authorization import require_permission
from app.http.dependencies import parts_of
from app.http.responses import Rendered, response_of
from app.http.types import ApiRequest
from app.locales.catalogues import Language
from app.providers.provider_file import ProviderFile
from app.tokens.principal import VIEW
from domain.integration import Channel, SecretField

SECRET_FIELDS = frozenset(get_args(SecretField))


class TypeField(Struct):
    """A field that the provider uses; `required` where it does nothing without it."""

    name: str
    secret: bool
    required: bool
    label: str
    help: str
    example: str


class TypeRegion(Struct):
    """Where a check asks."""

    name: str
    host: str


class TypeObject(Struct, rename="camel"):
    """One provider type; `deprecated` says what the provider has ended, absent where nothing."""

    type: str
    channel: Channel
    display_name: str
    fields: list[TypeField]
    regions: list[TypeRegion]
    checkable: bool
    deprecated: str | UnsetType = UNSET


class TypeListResult(Struct, rename="camel"):
    """All provider types, in the order of their names."""

    data: list[TypeObject]
    message: str
    status: int
    total_count: int


class TypeListAnswer(Struct):
    """The answer with all provider types."""

    result: TypeListResult


class IntegrationTypesController(Controller):
    """The providers that integrations can be of."""

    path = "/{locale:str}/api/integration-types"
    before_request = require_permission
    tags = ("Integration types",)
    security = ({"bearer": []},)

    @get("/", opt={"permission": VIEW}, operation_id="listIntegrationTypes")
    async def list_integration_types(self, request: ApiRequest) -> Response[TypeListAnswer]:
        """List the provider types, with the fields that each uses."""
        providers = parts_of(request.app).providers.values()
        return response_of(render_types(request.auth, providers))


def render_types(language: Language, providers: Iterable[ProviderFile]) -> Rendered:
    """Return the answer that shows *providers*, in *language*."""
    types = [type_from(provider, language) for provider in providers]
    result = TypeListResult(
        data=sorted(types, key=lambda found: found.type),
        message=language.text("Integration types fetched successfully"),
        status=200,
        total_count=len(types),
    )
    return Rendered(200, encode(TypeListAnswer(result)), {"Content-Language": language.tag})


def type_from(provider: ProviderFile, language: Language) -> TypeObject:
    """Return *provider* as the HTTP API shows it, in *language*."""
    fields = [
        TypeField(
            name=name,
            secret=name in SECRET_FIELDS,
            required=field.required,
            label=language.text(field.label),
            help=language.text(field.help),
            example=field.example,
        )
        for name, field in provider.fields.items()
    ]
    return TypeObject(
        type=provider.type,
        channel=provider.channel,
        display_name=provider.name,
        fields=fields,
        regions=[
            TypeRegion(region.name, urlsplit(region.url).netloc) for region in provider.regions
        ],
        checkable=provider.check is not None,
        deprecated=language.text(provider.deprecated) if provider.deprecated else UNSET,
    )
