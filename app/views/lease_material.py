"""Reads what a lease is made of: an integration's state and its sealed secrets, of one moment."""

from collections.abc import Sequence

from msgspec import Struct
from psycopg.rows import args_row

from app.batching import MAX_BATCH, Batcher
from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.event_store.codec import decode_envelope
from app.secrets.sealing import SealedSecret
from domain.integration import Channel, CredentialsChecked, SecretField, Settings

MATERIAL_SQL = "SELECT * FROM integrations.lease_material(%s::text[], %s::text[])"
MAX_CONCURRENCY = 2  # batches under way at once
IntegrationKey = tuple[str, str]  # workspace, integration


class LeaseMaterial(Struct, frozen=True):
    """One integration and its sealed secrets: the columns of lease_material.sql.

    `version` is its ETag; `newest` the last event that was a check or changed what is checked.
    `requested` is its id, or that of the channel's default that it is.
    """

    workspace_id: str
    id: str
    version: int
    type: str
    channel: Channel
    is_active: bool
    sender_email: str | None
    sender_name: str | None
    sender_phone: str | None
    vapid_public_key: str | None
    settings: Settings | None
    newest: bytes | None
    fields: Sequence[SecretField]
    versions: Sequence[int]
    keks: Sequence[str]
    wrapped_keys: Sequence[bytes]
    nonces: Sequence[bytes]
    ciphertexts: Sequence[bytes]
    requested: str

    def __repr__(self) -> str:
        """Name the integration only: a deleted secret must not live on, sealed, in a log."""
        return f"LeaseMaterial({self.workspace_id!r}, {self.id!r})"

    @property
    def secrets(self) -> list[SealedSecret]:
        """The rows of the secret store."""
        rows = zip(
            self.fields, self.versions, self.keks, self.wrapped_keys, self.nonces, self.ciphertexts,
            strict=True,
        )  # fmt: skip
        return [
            SealedSecret(
                workspace=self.workspace_id,
                stream=self.id,
                field=field,
                version=version,
                kek=kek,
                wrapped_key=wrapped_key,
                nonce=nonce,
                ciphertext=ciphertext,
            )
            for field, version, kek, wrapped_key, nonce, ciphertext in rows
        ]

    @property
    def region(self) -> str | None:
        """The region that the newest check found, if it was ok and nothing changed since."""
        event = decode_envelope(self.newest).event if self.newest else None
        if isinstance(event, CredentialsChecked) and event.outcome == "ok":
            return event.region
        return None


class LeaseMaterialViews:
    """Reads over a pool of the role for commands; a batch has at most *max_batch* reads."""

    def __init__(self, pool: Pool, *, max_batch: int = MAX_BATCH) -> None:
        self._pool = pool
        self.batcher: Batcher[IntegrationKey, LeaseMaterial | None] = Batcher(
            self._read_many, concurrency=MAX_CONCURRENCY, max_batch=max_batch
        )

    async def one(self, workspace: str, integration: str) -> LeaseMaterial | None:
        """Return the material of *integration*, None if the workspace does not have it.

        It may be the id of a channel's default: the material is that of the integration that is
        chosen, switched off if it is deleted, None if none is chosen.

        Raises:
            UnavailableError: the database is away or busy.
        """
        with translate_unavailable():
            return await self.batcher.submit((workspace, integration))

    async def _read_many(self, keys: Sequence[IntegrationKey]) -> list[LeaseMaterial | None]:
        workspaces, integrations = zip(*keys, strict=True)
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(LeaseMaterial))
            await cursor.execute(MATERIAL_SQL, ([*workspaces], [*integrations]), binary=True)
            found = {(row.workspace_id, row.requested): row for row in await cursor.fetchall()}
        return [found.get(key) for key in keys]
