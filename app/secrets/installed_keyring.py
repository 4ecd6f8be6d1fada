"""The keyring of one host of an installation: another host may have made a KEK that it lacks."""

from typing import LiteralString

from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.secrets.errors import KeyringUnavailableError, UnknownKekError
from app.secrets.keyring import Keyring, Mac, WrappedKey
from app.secrets.secret import Secret

# Those that were removed or given up are in neither part.
NEEDED_SQL: LiteralString = """
SELECT FROM integrations.keks_in_use() AS kek WHERE kek = %(kek)s
UNION ALL
SELECT FROM integrations.installation_keys WHERE (kind, name) = ('KEK', %(kek)s)
    AND name NOT IN (SELECT kek FROM integrations.closed_keks)
LIMIT 1
"""


class KekNotHereError(KeyringUnavailableError):
    """The installation has the KEK, and the keyring of this host does not; one line."""

    def __init__(self, kek: str) -> None:
        super().__init__(
            f"The keyring of this host lacks {kek}: copy the keyring from the host that has it."
        )


class InstalledKeyring:
    """The `Keyring` of this host, on the database that *pool* leads to.

    Until it has a KEK that `keys rotate` made elsewhere, nothing is known of what is under that
    KEK: the request is repeated, as if a KMS did not answer. What was given up is gone for good.
    """

    __slots__ = ("_keyring", "_pool")

    def __init__(self, keyring: Keyring, pool: Pool) -> None:
        self._keyring = keyring
        self._pool = pool

    async def wrap(self, key: Secret, aad: bytes) -> WrappedKey:
        """Return *key* under the current KEK, bound to *aad* and to the KEK's id."""
        return await self._keyring.wrap(key, aad)

    async def unwrap(self, wrapped_key: WrappedKey, aad: bytes) -> Secret:
        """Return the key that was wrapped with the same *aad*.

        Raises:
            KekNotHereError: the installation has the KEK, and this host does not.
            UnknownKekError: nobody has it any more.
            DecryptionError: the bytes, the KEK's id or *aad* are not those of `wrap`.
        """
        try:
            return await self._keyring.unwrap(wrapped_key, aad)
        except UnknownKekError as error:
            await self._require_given_up(error.kek)
            raise

    async def mac(self, message: bytes, kek: str | None = None) -> Mac:
        """Return the MAC of *message*, under the current KEK or *kek*; raise as `unwrap`."""
        try:
            return await self._keyring.mac(message, kek)
        except UnknownKekError as error:
            await self._require_given_up(error.kek)
            raise

    async def _require_given_up(self, kek: str) -> None:
        """Raise KekNotHereError if the installation has *kek*."""
        with translate_unavailable():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(NEEDED_SQL, {"kek": kek})
                if await cursor.fetchone() is not None:
                    raise KekNotHereError(kek)
