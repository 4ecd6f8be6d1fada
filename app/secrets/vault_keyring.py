"""The keyring in HashiCorp Vault or OpenBao: a key of the transit engine, which never leaves it.

Each version of the key is a KEK; its id is `vault:MOUNT/NAME:vN`. It uses the HTTP API of the
transit engine, with `associated_data` for what a key is bound to (Vault 1.12, any OpenBao). The
engine's own `rewrap` takes no associated data, so keys are unwrapped and wrapped instead.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import msgspec

from app.secrets.errors import DecryptionError, KeyringError, UnknownKekError
from app.secrets.keyring import KekInfo, Mac, WrappedKey, current_kek, require_retired
from app.secrets.sealing import wrapped_key_aad
from app.secrets.secret import Secret
from app.secrets.vault_client import (
    Authenticated,
    Data,
    Decrypted,
    Encrypted,
    KeyStatus,
    T,
    VaultResponse,
    VaultTransitClient,
    VaultUnavailableError,
    encode_json,
    parse_key_address,
)

BAD_REQUEST = 400
VERSION = re.compile("[1-9][0-9]{0,17}")
CIPHERTEXT = re.compile(rf"vault:v({VERSION.pattern}):[A-Za-z0-9+/]+=*")
SUCCESS_STATUSES = (200, 204)
# Some versions of Vault respond with 500 if the bytes were changed.
AUTHENTICATION_FAILED = b"message authentication failed"


class VaultKeyring:
    """The versions of the key at *address*: a `ManagedKeyring` in a KMS.

    The service needs a token that may `update` encrypt/NAME, decrypt/NAME and hmac/NAME, and `read`
    keys/NAME; `rotate` and `remove` need to `update` keys/NAME/rotate, …/config and …/trim.

    Raises:
        KeyringError: *address* is not the address of a key.
    """

    def __init__(self, address: str, token_file: Path) -> None:
        self._key = parse_key_address(address)
        self._client = VaultTransitClient(self._key, token_file)

    async def keks(self) -> Sequence[KekInfo]:
        """Return the versions that Vault decrypts with, oldest first; none if there is no key.

        Raises:
            VaultUnavailableError: Vault does not answer.
        """
        response = await self._client.request("GET", f"keys/{self._key.name}")
        if response.status == 404 and b'"errors":[]' in response.content.replace(b" ", b""):  # noqa: PLR2004 — HTTP's own
            return ()  # a missing mount has an error
        status = self._decode_data(response, Data[KeyStatus])
        return [
            KekInfo(
                id=self._id(version),
                state="current" if version == status.latest_version else "retired",
                created_at=datetime.fromtimestamp(status.keys[version], UTC),
            )
            for version in sorted(status.keys)
            if version >= status.min_decryption_version
        ]

    async def wrap(self, key: Secret, aad: bytes) -> WrappedKey:
        """Return *key* under the newest version, bound to *aad* and to Vault's key.

        Raises:
            VaultUnavailableError: Vault does not answer, or refuses.
        """
        body = encode_json(
            plaintext=b64encode(key.reveal()).decode(), associated_data=self._associated_data(aad)
        )
        response = await self._client.request("POST", f"encrypt/{self._key.name}", body)
        ciphertext = self._decode_data(response, Data[Encrypted]).ciphertext
        version = CIPHERTEXT.fullmatch(ciphertext)
        if version is None:
            self._raise_unavailable("an invalid response")
        return WrappedKey(kek=self._id(int(version[1])), wrapped=ciphertext.encode())

    async def unwrap(self, wrapped_key: WrappedKey, aad: bytes) -> Secret:
        """Return the key that was wrapped with the same *aad*.

        Raises:
            UnknownKekError: it is another key's version, or one that Vault has no longer.
            DecryptionError: the bytes, the KEK's id or *aad* are not those of `wrap`.
            VaultUnavailableError: Vault does not answer, so that nothing is known of the row.
        """
        ciphertext = self._matching_ciphertext(wrapped_key)
        body = encode_json(ciphertext=ciphertext, associated_data=self._associated_data(aad))
        response = await self._client.request("POST", f"decrypt/{self._key.name}", body)
        if response.status == BAD_REQUEST or AUTHENTICATION_FAILED in response.content:
            # The reason is only in the response's text, which differs from version to version.
            if wrapped_key.kek in {kek.id for kek in await self.keks()}:
                raise DecryptionError
            raise UnknownKekError(wrapped_key.kek)
        return self._decode_key(self._decode_data(response, Data[Decrypted]))

    async def mac(self, message: bytes, kek: str | None = None) -> Mac:
        """Return Vault's own HMAC of *message*; each version has a key for that alone.

        Raises:
            UnknownKekError: *kek* is another key's version, or one that Vault has no longer.
            VaultUnavailableError: Vault does not answer, or refuses.
        """
        version = 0 if kek is None else self._version(kek)  # 0: the newest
        body = encode_json(input=b64encode(message).decode(), key_version=version)
        response = await self._client.request("POST", f"hmac/{self._key.name}", body)
        if kek is not None and response.status == BAD_REQUEST:
            raise UnknownKekError(kek)
        tag = self._decode_data(response, Data[Authenticated]).hmac
        used = CIPHERTEXT.fullmatch(tag)
        if used is None or version not in (0, int(used[1])):
            self._raise_unavailable("an invalid response")
        return Mac(self._id(int(used[1])), tag.encode())

    async def rotate(self) -> str:
        """Add a version to the key; return its id."""
        self._require_success(await self._client.request("POST", f"keys/{self._key.name}/rotate"))
        return await current_kek(self)

    async def remove(self, kek: str) -> None:
        """Destroy the oldest version: unlike a higher minimum, `trim` cannot be undone.

        Raises:
            UnknownKekError: Vault does not have it.
            KeyringError: it is the current one, or not the oldest.
            VaultUnavailableError: Vault does not answer, or the token may not.
        """
        await require_retired(self, kek)
        if (await self.keks())[0].id != kek:
            problem = f"has older versions than {kek}, and Vault destroys the oldest first"
            raise KeyringError(problem, "remove those first")
        first_left = self._version(kek) + 1
        minimum = encode_json(min_decryption_version=first_left, min_encryption_version=first_left)
        trimmed = encode_json(min_available_version=first_left)
        for change, body in (("config", minimum), ("trim", trimmed)):
            path = f"keys/{self._key.name}/{change}"
            self._require_success(await self._client.request("POST", path, body))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _matching_ciphertext(self, wrapped_key: WrappedKey) -> str:
        """Return Vault's ciphertext; raise unless its version is that of the KEK's id."""
        version = self._version(wrapped_key.kek)
        ciphertext = wrapped_key.wrapped.decode("ascii", "replace")
        found = CIPHERTEXT.fullmatch(ciphertext)
        if found is None or int(found[1]) != version:
            raise DecryptionError
        return ciphertext

    def _version(self, kek: str) -> int:
        """Return the version of ours that *kek* names; raise UnknownKekError if it is none."""
        prefix, _, version = kek.rpartition(":v")
        if prefix != self._key.id_prefix or not VERSION.fullmatch(version):
            raise UnknownKekError(kek)
        return int(version)

    def _associated_data(self, aad: bytes) -> str:
        # It does not name the version: Vault chooses it, and the ciphertext names it.
        return b64encode(wrapped_key_aad(self._key.id_prefix, aad)).decode()

    def _id(self, version: int) -> str:
        return f"{self._key.id_prefix}:v{version}"

    def _decode_data(self, response: VaultResponse, kind: type[Data[T]]) -> T:
        self._require_success(response)
        try:
            return msgspec.json.decode(response.content, type=kind).data
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._raise_unavailable("an invalid response")

    def _decode_key(self, decrypted: Decrypted) -> Secret:
        try:
            return Secret(b64decode(decrypted.plaintext, validate=True))
        except ValueError:
            self._raise_unavailable("an invalid response")

    def _require_success(self, response: VaultResponse) -> None:
        if response.status not in SUCCESS_STATUSES:
            self._raise_unavailable(f"status {response.status}")

    def _raise_unavailable(self, reason: str) -> NoReturn:
        raise VaultUnavailableError(self._key.id_prefix, reason) from None

    def __repr__(self) -> str:
        return f"VaultKeyring({self._key.id_prefix!r})"
