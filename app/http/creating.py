"""From a body with secrets to a command with sealed ones."""

from app.http.bodies import CreateIntegrationBody
from app.secrets.keyring import Keyring
from app.secrets.sealing import SealedSecret, seal
from app.secrets.secret import Secret
from domain.integration import CreateIntegration, SecretField


async def sealed_from(
    body: CreateIntegrationBody, keyring: Keyring, workspace: str, integration: str
) -> list[SealedSecret]:
    """Return the secrets of *body*, sealed for *integration*, each as its field's version 1."""
    given: dict[SecretField, Secret | None] = {
        "apiKey": body.api_key,
        "apiSecret": body.api_secret,
        "vapidPrivateKey": body.vapid_private_key,
    }
    return [
        await seal(
            keyring, workspace=workspace, stream=integration, field=field, version=1, secret=secret
        )
        for field, secret in given.items()
        if secret is not None
    ]


def command_from(body: CreateIntegrationBody, sealed: list[SealedSecret]) -> CreateIntegration:
    """Return the command in *body*, its secrets replaced by what *sealed* says of them."""
    return CreateIntegration(
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
