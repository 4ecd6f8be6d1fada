"""Compares what a change makes public with the stored secrets, which are opened for this only."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from app.http.dependencies import Dependencies
from app.http.errors import FieldFinding, InvalidFieldsError
from app.http.integrations.bodies import VAPID_MISMATCH, cleared_in, secrets_in
from app.http.integrations.public_text import (
    find_disclosed,
    find_published,
    hidden_secrets,
    stored_texts,
    texts_in,
)
from app.providers.vapid import is_pasted_pair
from app.secrets.secret import Secret
from domain.integration import Integration, SecretField

StoredSecrets = Mapping[SecretField, Secret]


class StoredSecretsCheck:
    """Finds stored secrets in new public texts, new secrets in stored ones, and no pair of keys."""

    def __init__(self, dependencies: Dependencies, workspace: str, integration: str) -> None:
        self._secrets = dependencies.secrets
        self._providers = dependencies.providers
        self._stream = (workspace, integration)

    async def check(self, state: Integration, body: Struct) -> None:
        """Raise InvalidFieldsError if *body* would make a secret public, or part a key pair.

        Nothing is opened if no public text changes.
        """
        if not state.exists:
            return
        shown, new = stored_texts(state), secrets_in(body)
        given = texts_in(body)
        changed = {name: text for name, text in given.items() if shown.get(name) != text}
        stored: StoredSecrets = {}
        if changed:
            stored = await self._secrets.unseal_available(*self._stream, state.credentials)
        cleared = cleared_in(body)
        remaining = {
            name: text
            for name, text in shown.items()
            if name not in given and name.partition(".")[0] not in cleared
        }
        kept: StoredSecrets = {
            field: secret for field, secret in stored.items() if field not in cleared
        }
        provider = self._providers.get(state.type)
        findings = [
            *find_disclosed(changed, hidden_secrets(stored, provider).values()),
            *find_published(hidden_secrets(new, provider), remaining),
            *find_parted_keys(changed, remaining, {**kept, **new}, new),
        ]
        if findings:
            raise InvalidFieldsError(findings)


def find_parted_keys(
    changed: Mapping[str, str],
    remaining: Mapping[str, str],
    secrets: StoredSecrets,
    new: StoredSecrets,
) -> Iterator[FieldFinding]:
    """Find a new VAPID key that does not match the other one, which stays; *secrets* are all."""
    private, name = secrets.get("vapidPrivateKey"), "vapidPublicKey"
    if private is None:
        return
    if name in changed and "vapidPrivateKey" not in new:
        field, public = name, changed[name]
    elif name in remaining and "vapidPrivateKey" in new:
        field, public = "vapidPrivateKey", remaining[name]
    else:
        return  # neither changes, or both: their own check compares them
    if is_pasted_pair(public, private.reveal_text()) is False:
        yield field, VAPID_MISMATCH
