"""From bodies with secrets to commands with sealed ones."""

from collections.abc import Mapping

from msgspec import UNSET

from app.command_handler import CommandFactory, PreparedCommand
from app.http.integrations.bodies import CreateIntegrationBody, ReplaceCredentialsBody
from app.secrets.keyring import Keyring
from app.secrets.sealing import SealedSecret, seal
from app.secrets.secret import Secret
from domain.errors import NotFoundError
from domain.integration import CreateIntegration, Integration, ReplaceCredentials, SecretField

Given = Mapping[SecretField, Secret]


async def creation(
    body: CreateIntegrationBody, keyring: Keyring, workspace: str, integration: str
) -> PreparedCommand:
    """Return the command that adds an integration, with the secrets of *body* sealed."""
    sealed = await sealed_from(given_in(body), keyring, workspace, integration, Integration())
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


def replacement(
    body: ReplaceCredentialsBody, keyring: Keyring, workspace: str, integration: str
) -> CommandFactory:
    """Return what makes the command that replaces secrets by those of *body*."""

    async def prepare(state: Integration) -> PreparedCommand:
        if not state.exists:
            raise NotFoundError
        sealed = await sealed_from(given_in(body), keyring, workspace, integration, state)
        command = ReplaceCredentials(
            credentials=tuple(secret.credential for secret in sealed),
            vapid_public_key=UNSET if body.vapid_public_key is None else body.vapid_public_key,
        )
        return PreparedCommand(command, sealed)

    return prepare


def given_in(body: CreateIntegrationBody | ReplaceCredentialsBody) -> Given:
    """Return the secrets in *body*, by the field that each is for."""
    fields: dict[SecretField, Secret | None] = {
        "apiKey": body.api_key,
        "apiSecret": body.api_secret,
        "vapidPrivateKey": body.vapid_private_key,
    }
    return {field: secret for field, secret in fields.items() if secret is not None}


async def sealed_from(
    given: Given, keyring: Keyring, workspace: str, stream: str, state: Integration
) -> list[SealedSecret]:
    """Return *given*, each sealed as the version of its field after the one in *state*."""
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
