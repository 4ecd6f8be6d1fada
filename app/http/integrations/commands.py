"""From request bodies to commands: seals secrets, finds warnings."""

from collections.abc import Callable, Container, Mapping

from msgspec import UNSET, Struct

from app.command_handler import CommandFactory, PreparedCommand
from app.http.dependencies import Dependencies, get_dependencies
from app.http.errors import FieldFinding, InvalidFieldsError
from app.http.integrations.bodies import (
    FIELD_MISSING,
    NOT_CLEARABLE,
    CreateIntegrationBody,
    ReplaceCredentialsBody,
    UpdateIntegrationBody,
    cleared_in,
    secrets_in,
)
from app.http.integrations.public_text import find_provider_keys
from app.http.integrations.settings import (
    find_missing_settings,
    find_wrong_settings,
    given_value,
    setting_conditions,
)
from app.http.integrations.warnings import (
    DEFAULT_OF_CHANNEL,
    fields_of_kinds,
    find_warnings,
)
from app.http.preferences import reject_warnings_if_strict
from app.http.sender_phone import sender_problem
from app.http.types import ApiRequest
from app.providers.google_service_account import read_account
from app.providers.vapid import read_private_key
from app.secrets.keyring import Keyring
from app.secrets.sealing import SealedSecret, seal
from app.secrets.secret import Secret
from app.secrets.store import SecretStore
from domain.channel_default import default_stream
from domain.errors import IntegrationNotFoundError
from domain.integration import (
    SECRET_FIELDS,
    CreateIntegration,
    Integration,
    ReplaceCredentials,
    SecretField,
    Settings,
    next_version,
)
from domain.provider import Provider

PlainSecrets = Mapping[SecretField, Secret]


async def create_command(
    body: CreateIntegrationBody, dependencies: Dependencies, workspace: str, integration: str
) -> PreparedCommand:
    """Return the command that adds an integration, with the secrets of *body* sealed."""
    given = read_secrets(secrets_in(body), dependencies.providers.get(body.type))
    sealed = await seal_secrets(given, dependencies.keyring, workspace, integration, Integration())
    command = CreateIntegration(
        name=body.name,
        type=body.type,
        channel=body.channel,
        is_active=body.is_active,
        sender_email=body.sender_email,
        sender_name=body.sender_name,
        sender_phone=body.sender_phone,
        vapid_public_key=body.vapid_public_key,
        settings=body.settings,
        credentials=tuple(secret.credential for secret in sealed),
    )
    return PreparedCommand(command, sealed)


def replace_credentials_command(
    body: ReplaceCredentialsBody, dependencies: Dependencies, workspace: str, integration: str
) -> CommandFactory:
    """Return the factory of the command that replaces secrets by those of *body*.

    It raises InvalidFieldsError if *body* clears what the provider requires.
    """

    async def prepare(state: Integration) -> PreparedCommand:
        if not state.exists:
            raise IntegrationNotFoundError
        cleared, provider = cleared_in(body), dependencies.providers.get(state.type)
        require_clearable(cleared, provider)
        given = read_secrets(secrets_in(body), provider)
        new = await new_secrets(given, dependencies.secrets, workspace, integration, state)
        sealed = await seal_secrets(new, dependencies.keyring, workspace, integration, state)
        command = ReplaceCredentials(
            credentials=tuple(secret.credential for secret in sealed),
            destroyed=tuple(field for field in SECRET_FIELDS if field in cleared),
            vapid_public_key=body.vapid_public_key,
        )
        return PreparedCommand(command, sealed)

    return prepare


def read_secrets(given: PlainSecrets, provider: Provider | None) -> PlainSecrets:
    """Return *given* in the form that workers can use, for kinds that are written in several.

    A document of *provider* becomes plain JSON, and a private VAPID key base64url.
    """
    readers: dict[str, Callable[[Secret], Secret]] = {"vapidPrivateKey": read_private_key}
    if provider:
        readers |= {n: read_account for n, field in provider.fields.items() if field.document}
    return {
        name: readers[name](secret) if name in readers else secret for name, secret in given.items()
    }


async def new_secrets(
    given: PlainSecrets, secrets: SecretStore, workspace: str, integration: str, state: Integration
) -> PlainSecrets:
    """Return those of *given* that are not stored already: setting what is so changes nothing.

    The stored ones are forgotten after this one comparison; one that does not open is replaced.
    """
    known = [each for each in state.credentials if each.field in given]
    stored = await secrets.unseal_available(workspace, integration, known) if known else {}
    return {field: secret for field, secret in given.items() if stored.get(field) != secret}


def require_clearable(cleared: Container[str], provider: Provider | None) -> None:
    """Raise InvalidFieldsError if *provider* requires one of the *cleared* fields."""
    if provider and (required := find_required(cleared, provider)):
        raise InvalidFieldsError([(name, NOT_CLEARABLE) for name in required])


def find_required(cleared: Container[str], provider: Provider) -> list[str]:
    """Return those of the *cleared* fields that *provider* requires."""
    return [name for name, field in provider.fields.items() if field.required and name in cleared]


async def seal_secrets(
    given: PlainSecrets, keyring: Keyring, workspace: str, stream: str, state: Integration
) -> list[SealedSecret]:
    """Return *given*, each sealed as the next version of its field in *state*."""
    return [
        await seal(
            keyring,
            workspace=workspace,
            stream=stream,
            field=field,
            version=next_version(state, field),
            secret=secret,
        )
        for field, secret in given.items()
    ]


def collect_warnings(
    dependencies: Dependencies,
    body: Struct,
    settings: Settings | None,
    provider: Provider,
    stored: PlainSecrets | None = None,
) -> list[FieldFinding]:
    """Return what *provider* does not expect in *body*, or in *settings* with it.

    *stored* are secrets that stay, which decide what settings and other secrets suit them.
    """
    cleared = cleared_in(body) if isinstance(body, UpdateIntegrationBody) else ()
    return [
        *((name, FIELD_MISSING) for name in find_required(cleared, provider)),
        *find_warnings(body, provider, stored or {}),
        *find_provider_keys(body, provider, dependencies.key_finder),
        *find_missing_settings(body, settings, provider, stored or {}),
    ]


class ChangeWithWarnings:
    """A change by `body`; `warnings` are known once the integration's provider is."""

    def __init__(
        self, request: ApiRequest, integration: str, body: Struct, make_command: CommandFactory
    ) -> None:
        self.warnings: list[FieldFinding] = []
        self._request = request
        self.integration = integration
        self.body = body
        self._make_command = make_command

    async def prepare(self, state: Integration) -> PreparedCommand:
        """Return the command; an unknown provider has no warnings.

        Raises:
            WarningsRejectedError: there are warnings, and strict handling is preferred.
        """
        dependencies = get_dependencies(self._request.app)
        provider = dependencies.providers.get(state.type)
        if provider is not None:
            stored = await self._open_conditions(state, provider)
            self.warnings = collect_warnings(
                dependencies, self.body, state.settings, provider, stored
            )
        self.warnings += await find_default_warning(
            self._request, self.integration, self.body, state
        )
        reject_warnings_if_strict(self._request, self.warnings)
        return await self._make_command(state)

    async def _open_conditions(self, state: Integration, provider: Provider) -> PlainSecrets:
        """Return the stored secrets that decide whether settings and new secrets suit them.

        Only the secret itself shows its kind: an API key of Twilio begins with SK. It is forgotten
        after this one comparison.
        """
        conditions = setting_conditions(self.body, state.settings, provider).values()
        deciding = {c.field for c in conditions} | fields_of_kinds(self.body, provider)
        wanted = {name for name in deciding if given_value(self.body, name) is UNSET}
        credentials = [each for each in state.credentials if each.field in wanted]
        if not credentials:
            return {}
        secrets, workspace = (
            get_dependencies(self._request.app).secrets,
            self._request.user.workspace,
        )
        return await secrets.unseal_available(workspace, self.integration, credentials)


async def find_default_warning(
    request: ApiRequest, integration: str, body: Struct, state: Integration
) -> list[FieldFinding]:
    """Return a warning if *body* switches off an integration that is the default of its channel.

    One of an unknown provider is not leased, and has no warnings.
    """
    dependencies = get_dependencies(request.app)
    provider = dependencies.providers.get(state.type) if state.exists else None
    if provider is None or getattr(body, "is_active", UNSET) is not False:
        return []
    # The stream, not the view: the log reads it together with the streams that others wait for.
    stream = default_stream(provider.channel)
    default = await dependencies.command_handler.log.load(request.user.workspace, stream)
    is_default = default.state.integration_id == integration
    return [("isActive", DEFAULT_OF_CHANNEL)] if is_default else []


def require_fields_of_type(
    body: UpdateIntegrationBody, state: Integration, provider: Provider | None
) -> None:
    """Raise InvalidFieldsError if *body* has a sender or settings that *provider* does not take.

    A provider that is not there any more takes any sender, and no settings.
    """
    found = [*find_wrong_settings(body.settings or None, provider)] if state.exists else []
    if provider and body.sender_phone and (problem := sender_problem(body.sender_phone, provider)):
        found.append(("senderPhone", problem))
    if found:
        raise InvalidFieldsError(found)
