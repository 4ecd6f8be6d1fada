"""From request bodies to commands: seals secrets, finds warnings, checks VAPID key pairs."""

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType

from app.command_handler import CommandFactory, PreparedCommand
from app.http.dependencies import Dependencies, get_dependencies
from app.http.errors import FieldFinding, InvalidFieldsError
from app.http.integrations.bodies import (
    VAPID_MISMATCH,
    CreateIntegrationBody,
    ReplaceCredentialsBody,
    reveal_text,
)
from app.http.integrations.warnings import find_warnings
from app.http.preferences import reject_warnings_if_strict
from app.http.types import ApiRequest
from app.providers.vapid import is_key_pair
from app.secrets.errors import UnsealError
from app.secrets.keyring import Keyring
from app.secrets.sealing import SealedSecret, seal
from app.secrets.secret import Secret
from domain.errors import IntegrationNotFoundError
from domain.integration import (
    CreateIntegration,
    Integration,
    ReplaceCredentials,
    SecretField,
)

PlainSecrets = Mapping[SecretField, Secret]


async def create_command(
    body: CreateIntegrationBody, keyring: Keyring, workspace: str, integration: str
) -> PreparedCommand:
    """Return the command that adds an integration, with the secrets of *body* sealed."""
    sealed = await seal_secrets(secrets_in(body), keyring, workspace, integration, Integration())
    command = CreateIntegration(
        name=body.name,
        type=body.type,
        channel=body.channel,
        is_active=body.is_active,
        sender_email=body.sender_email,
        sender_name=body.sender_name,
        sender_phone=body.sender_phone,
        vapid_public_key=body.vapid_public_key,
        credentials=tuple(secret.credential for secret in sealed),
    )
    return PreparedCommand(command, sealed)


def replace_credentials_command(
    body: ReplaceCredentialsBody, keyring: Keyring, workspace: str, integration: str
) -> CommandFactory:
    """Return the factory of the command that replaces secrets by those of *body*."""

    async def prepare(state: Integration) -> PreparedCommand:
        if not state.exists:
            raise IntegrationNotFoundError
        sealed = await seal_secrets(secrets_in(body), keyring, workspace, integration, state)
        command = ReplaceCredentials(
            credentials=tuple(secret.credential for secret in sealed),
            vapid_public_key=UNSET if body.vapid_public_key is None else body.vapid_public_key,
        )
        return PreparedCommand(command, sealed)

    return prepare


def secrets_in(body: CreateIntegrationBody | ReplaceCredentialsBody) -> PlainSecrets:
    """Return the secrets in *body*, by the field that each is for."""
    fields: dict[SecretField, Secret | None] = {
        "apiKey": body.api_key,
        "apiSecret": body.api_secret,
        "vapidPrivateKey": body.vapid_private_key,
    }
    return {field: secret for field, secret in fields.items() if secret is not None}


async def seal_secrets(
    given: PlainSecrets, keyring: Keyring, workspace: str, stream: str, state: Integration
) -> list[SealedSecret]:
    """Return *given*, each sealed as the next version of its field in *state*."""
    versions = {credential.field: credential.version for credential in state.credentials}
    return [
        await seal(
            keyring,
            workspace=workspace,
            stream=stream,
            field=field,
            version=versions.get(field, 0) + 1,
            secret=secret,
        )
        for field, secret in given.items()
    ]


class ChangeWithWarnings:
    """A change by `body`; `warnings` are known once the integration's provider is."""

    def __init__(self, request: ApiRequest, body: Struct, make_command: CommandFactory) -> None:
        self.warnings: list[FieldFinding] = []
        self._request = request
        self._body = body
        self._make_command = make_command

    async def prepare(self, state: Integration) -> PreparedCommand:
        """Return the command; an unknown provider has no warnings.

        Raises:
            WarningsRejectedError: there are warnings, and strict handling is preferred.
        """
        provider = get_dependencies(self._request.app).providers.get(state.type)
        self.warnings = [*find_warnings(self._body, provider)] if provider else []
        reject_warnings_if_strict(self._request, self.warnings)
        return await self._make_command(state)


class VapidPairCheck:
    """Compares new VAPID keys of an integration with its stored ones."""

    def __init__(self, dependencies: Dependencies, workspace: str, integration: str) -> None:
        self._dependencies = dependencies
        self._stream = (workspace, integration)

    async def check_public_key(self, state: Integration, public: str | UnsetType | None) -> None:
        """Raise InvalidFieldsError if *public* does not match the stored private key."""
        if public is UNSET or public is None or public == state.vapid_public_key:
            return
        private = await self._stored_private_key(state)
        if private and is_key_pair(public, reveal_text(private)) is False:
            raise InvalidFieldsError([("vapidPublicKey", VAPID_MISMATCH)])

    def check_private_key(self, state: Integration, private: Secret | None) -> None:
        """Raise InvalidFieldsError if *private* does not match the stored public key."""
        public = state.vapid_public_key
        if private and public and is_key_pair(public, reveal_text(private)) is False:
            raise InvalidFieldsError([("vapidPrivateKey", VAPID_MISMATCH)])

    async def _stored_private_key(self, state: Integration) -> Secret | None:
        wanted = [secret for secret in state.credentials if secret.field == "vapidPrivateKey"]
        try:
            opened = await self._dependencies.secrets.unseal(*self._stream, wanted)
        except UnsealError:
            return None  # neither comparable nor usable; a check of the credentials reports it
        return opened.get("vapidPrivateKey")
