"""The stored secrets of one integration, unsealed only while they are used."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from psycopg.rows import class_row

from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.database.row_level_security import fetch_in_workspace
from app.secrets.errors import MissingSecretError, UnsealError
from app.secrets.keyring import Keyring
from app.secrets.sealing import SealedSecret, unseal
from app.secrets.secret import Secret
from domain.integration import Credential, SecretField

STREAM_SECRETS_SQL = """
SELECT workspace_id AS workspace, stream, field, version, kek, wrapped_key, nonce, ciphertext
FROM integrations.secret_store WHERE workspace_id = %s AND stream = %s
"""
SealedRows = Mapping[tuple[SecretField, int], SealedSecret]


class SecretStore:
    """Reads over a pool of connections of the role for commands, and opens with *keyring*."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring

    async def unseal(
        self, workspace: str, stream: str, wanted: Iterable[Credential]
    ) -> dict[SecretField, Secret]:
        """Return the secrets *wanted* of an integration, by their fields.

        Raises:
            UnsealError: one of them is not there, or does not open; it says which.
            UnavailableError: the database is away or busy.
        """
        rows = await self._sealed(workspace, stream)
        return {each.field: await self._open(rows, workspace, stream, each) for each in wanted}

    async def unseal_available(
        self, workspace: str, stream: str, wanted: Iterable[Credential]
    ) -> dict[SecretField, Secret]:
        """Return those of the secrets *wanted* that open.

        The others are of no use to anybody: they are damaged, or their KEK was given up. A check
        of the credentials reports them.

        Raises:
            UnavailableError: the database or the keyring is away, or lacks a KEK of another host.
        """
        rows = await self._sealed(workspace, stream)
        secrets: dict[SecretField, Secret] = {}
        for each in wanted:
            with suppress(UnsealError):
                secrets[each.field] = await self._open(rows, workspace, stream, each)
        return secrets

    async def _open(
        self, rows: SealedRows, workspace: str, stream: str, credential: Credential
    ) -> Secret:
        sealed = rows.get((credential.field, credential.version))
        if sealed is None or sealed.credential.commitment != credential.commitment:
            raise not_found(workspace, stream, credential)
        return await unseal(self._keyring, sealed)

    async def _sealed(self, workspace: str, stream: str) -> SealedRows:
        with translate_unavailable():
            shape = class_row(SealedSecret)
            place = (workspace, stream)
            rows = await fetch_in_workspace(self._pool, workspace, STREAM_SECRETS_SQL, place, shape)
        return {(row.field, row.version): row for row in rows}


def not_found(workspace: str, stream: str, credential: Credential) -> UnsealError:
    """Return the error that the row that the event records does not exist."""
    return UnsealError(
        workspace=workspace,
        stream=stream,
        field=credential.field,
        version=credential.version,
        reason=MissingSecretError(),
    )
