"""The provider types and the fields of each (docs/providers.md#types)."""

from collections.abc import Iterable, Mapping
from typing import Literal
from urllib.parse import urlsplit

from litestar import Controller, Response, get
from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from app.http.authorization import authorize
from app.http.dependencies import get_dependencies
from app.http.responses import RenderedResponse, to_response
from app.http.sender_phone import sender_patterns
from app.http.types import ApiRequest
from app.locales.catalogues import Language
from app.providers.provider_file import ProviderFile
from app.tokens.principal import VIEW
from domain.integration import SECRET_FIELDS, Channel
from domain.provider import ProviderField, ProviderSetting

FieldKind = Literal["text", "email", "sender", "json", "choice"]
"""What a form asks for; `sender` is a number or a name, as `senders` says, `json` a whole file."""
KINDS: Mapping[str, FieldKind] = {"senderEmail": "email", "senderPhone": "sender"}


class IntegrationTypeField(Struct):
    """A field that the provider uses; `required` if it does not work without it."""

    name: str
    kind: FieldKind
    secret: bool
    required: bool
    label: str
    help: str
    example: str


class IntegrationTypeCondition(Struct):
    """Holds if the value of `field` has the whole `format`, a regular expression."""

    field: str
    format: str


class IntegrationTypeSetting(Struct, rename="camel"):
    """A setting that the provider knows: one of `choices` if there are any.

    `requiredWhen` is there if some credentials do not work without it.
    """

    name: str
    kind: FieldKind
    label: str
    help: str
    example: str
    choices: list[str] | UnsetType = UNSET
    required_when: IntegrationTypeCondition | UnsetType = UNSET


class IntegrationTypeRegion(Struct):
    """An address that a check can call."""

    name: str
    host: str


class IntegrationTypeObject(Struct, rename="camel"):
    """One provider type; `deprecated` is there if the provider has ended something.

    `guide` is the page of the provider on how to make credentials, there if it makes any.
    `senders` are the kinds of senderPhone that it takes, there if it uses that field.
    """

    type: str
    channel: Channel
    display_name: str
    fields: list[IntegrationTypeField]
    settings: list[IntegrationTypeSetting]
    regions: list[IntegrationTypeRegion]
    checkable: bool
    guide: str | UnsetType = UNSET
    deprecated: str | UnsetType = UNSET
    senders: list[str] | UnsetType = UNSET


class IntegrationTypeListResult(Struct, rename="camel"):
    """All provider types, in the order of their names."""

    data: list[IntegrationTypeObject]
    message: str
    status: int
    total_count: int


class IntegrationTypeListResponse(Struct):
    """The response with all provider types."""

    result: IntegrationTypeListResult


class IntegrationTypesController(Controller):
    """The providers that integrations can be of."""

    path = "/{locale:str}/api/integration-types"
    before_request = authorize
    tags = ("Integration types",)
    security = ({"bearer": []},)

    @get("/", opt={"permission": VIEW}, operation_id="listIntegrationTypes")
    async def list_integration_types(
        self, request: ApiRequest
    ) -> Response[IntegrationTypeListResponse]:
        """List the provider types, with the fields that each uses."""
        providers = get_dependencies(request.app).providers.values()
        return to_response(render_types(request.auth, providers))


def render_types(language: Language, providers: Iterable[ProviderFile]) -> RenderedResponse:
    """Return the response with *providers*, in *language*."""
    types = [integration_type_object(provider, language) for provider in providers]
    result = IntegrationTypeListResult(
        data=sorted(types, key=lambda each: each.type),
        message=language.text("Integration types fetched successfully"),
        status=200,
        total_count=len(types),
    )
    return RenderedResponse(
        200, encode(IntegrationTypeListResponse(result)), {"Content-Language": language.tag}
    )


def integration_type_object(provider: ProviderFile, language: Language) -> IntegrationTypeObject:
    """Return *provider* as the HTTP API shows it, in *language*."""
    return IntegrationTypeObject(
        type=provider.type,
        channel=provider.channel,
        display_name=provider.name,
        fields=[
            integration_type_field(name, field, language) for name, field in provider.fields.items()
        ],
        settings=[
            integration_type_setting(name, setting, language)
            for name, setting in provider.settings.items()
        ],
        regions=[
            IntegrationTypeRegion(region.name, urlsplit(region.url).netloc)
            for region in provider.regions
        ],
        checkable=provider.check is not None,
        guide=provider.guide or UNSET,
        deprecated=language.text(provider.deprecated) if provider.deprecated else UNSET,
        senders=[*sender_patterns(provider)] if "senderPhone" in provider.fields else UNSET,
    )


def integration_type_field(
    name: str, field: ProviderField, language: Language
) -> IntegrationTypeField:
    """Return the *field* of that *name* as the HTTP API shows it, in *language*."""
    return IntegrationTypeField(
        name=name,
        kind="json" if field.document else KINDS.get(name, "text"),
        secret=name in SECRET_FIELDS,
        required=field.required,
        label=language.text(field.label),
        help=language.text(field.help),
        example=field.example,
    )


def integration_type_setting(
    name: str, setting: ProviderSetting, language: Language
) -> IntegrationTypeSetting:
    """Return the *setting* of that *name* as the HTTP API shows it, in *language*."""
    condition = setting.required_when
    return IntegrationTypeSetting(
        name=name,
        kind="choice" if setting.choices else "text",
        label=language.text(setting.label),
        help=language.text(setting.help),
        example=setting.example,
        choices=list(setting.choices) or UNSET,
        required_when=IntegrationTypeCondition(condition.field, condition.format)
        if condition
        else UNSET,
    )
