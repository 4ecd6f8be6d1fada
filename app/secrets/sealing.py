"""Sealing: how a secret becomes a row that only its keyring can open; the only user of ciphers.

    secret --- AES-256-GCM under a fresh key (DEK) ---> nonce, ciphertext
    DEK ------ AES-256-GCM under the keyring's KEK ---> wrapped_key

Both are bound, as additional authenticated data, to the place where the row belongs. Rotating
the KEK wraps the DEK again and touches neither ciphertext nor commitment, so no event changes.
"""

import hmac
from hashlib import sha256
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from msgspec import Struct

from app.secrets.errors import DecryptionError, UnknownKekError, UnsealError
from app.secrets.keyring import Keyring, WrappedKey
from app.secrets.secret import Secret
from domain.integration import Credential, SecretField

KEY_BYTES = 32
NONCE_BYTES = 12  # the length GCM is made for (NIST SP 800-38D, 5.2.1.1)
# A label says what the bytes are and in which format: nothing sealed as one opens as the other.
SECRET_LABEL = b"integrations/secret/v1"
WRAPPED_KEY_LABEL = b"integrations/wrapped-key/v1"
MAC_KEY_LABEL = b"integrations/mac-key/v1"


class SealedSecret(Struct, frozen=True, kw_only=True):
    """One row of the secret store: one version of one field of one integration.

    `nonce` has 12 bytes; `ciphertext` is as long as the secret plus a tag of 16.
    """

    workspace: str
    stream: str
    field: SecretField
    version: int
    kek: str
    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes

    def __repr__(self) -> str:
        # Without the bytes: a deleted secret must not live on, sealed, in a log.
        place = f"{self.workspace!r}, {self.stream!r}, {self.field!r}, version={self.version}"
        return f"SealedSecret({place}, kek={self.kek!r})"

    @property
    def aad(self) -> bytes:
        """What the ciphertext and the wrapped key are bound to: the place of the row."""
        return secret_aad(self.workspace, self.stream, self.field, self.version)

    @property
    def credential(self) -> Credential:
        """What the event says of this secret; take it when sealing, before any rewrapping.

        The commitment reveals nothing of the secret: the DEK has 256 bits, so nobody can try
        plaintexts against it, not even after the row is gone.
        """
        commitment = sha256(length_prefixed(self.aad, self.nonce, self.ciphertext)).hexdigest()
        return Credential(
            field=self.field, version=self.version, kek=self.kek, commitment=commitment
        )


async def seal(  # noqa: PLR0913  # the four that make the place are one list, by keyword
    keyring: Keyring,
    *,
    workspace: str,
    stream: str,
    field: SecretField,
    version: int,
    secret: Secret,
) -> SealedSecret:
    """Return *secret* sealed for its place, under the current KEK."""
    aad = secret_aad(workspace, stream, field, version)
    key = Secret(urandom(KEY_BYTES))
    # This key encrypts once and is then known only wrapped: a nonce cannot meet it twice.
    nonce, ciphertext = encrypt(key, secret, aad)
    wrapped_key = await keyring.wrap(key, aad)
    return SealedSecret(
        workspace=workspace,
        stream=stream,
        field=field,
        version=version,
        kek=wrapped_key.kek,
        wrapped_key=wrapped_key.wrapped,
        nonce=nonce,
        ciphertext=ciphertext,
    )


async def unseal(keyring: Keyring, sealed: SealedSecret) -> Secret:
    """Return the secret.

    Raises:
        UnsealError: the KEK is not there, or anything of the row is not as it was sealed.
    """
    wrapped_key = WrappedKey(kek=sealed.kek, wrapped=sealed.wrapped_key)
    try:
        key = await keyring.unwrap(wrapped_key, sealed.aad)
        return decrypt(key, sealed.nonce, sealed.ciphertext, sealed.aad)
    except (UnknownKekError, DecryptionError) as reason:
        raise UnsealError(
            workspace=sealed.workspace,
            stream=sealed.stream,
            field=sealed.field,
            version=sealed.version,
            reason=reason,
        ) from reason


def wrap_key(kek_id: str, kek: Secret, key: Secret, aad: bytes) -> WrappedKey:
    """Return *key* under *kek*, for keyrings that hold their KEKs: 12 bytes nonce, then GCM's.

    The KEK wraps many keys, each with a random nonce of 96 bits: up to 2**32 of them, two are
    alike with a chance below 2**-32, which is the bound of NIST SP 800-38D, 8.3. At one secret a
    second that is 136 years, at a hundred 16 months: rotate the KEK before. It encrypts nothing but
    keys of secrets: what else it authenticates has a derived key (`compute_mac`).
    """
    nonce, ciphertext = encrypt(kek, key, wrapped_key_aad(kek_id, aad))
    return WrappedKey(kek=kek_id, wrapped=nonce + ciphertext)


def unwrap_key(kek: Secret, wrapped_key: WrappedKey, aad: bytes) -> Secret:
    """Return the key that `wrap_key` wrapped; raise DecryptionError if anything differs."""
    nonce, ciphertext = wrapped_key.wrapped[:NONCE_BYTES], wrapped_key.wrapped[NONCE_BYTES:]
    return decrypt(kek, nonce, ciphertext, wrapped_key_aad(wrapped_key.kek, aad))


def compute_mac(kek: Secret, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of *message* under a key derived from *kek*.

    The key is HKDF's (RFC 5869), which needs no extraction: a KEK is 32 random bytes. So what
    authenticates never encrypts, neither key reveals the other, and no nonce of the KEK is used:
    the bound of `wrap_key` counts secrets alone.
    """
    key = HKDFExpand(SHA256(), KEY_BYTES, info=MAC_KEY_LABEL).derive(kek.reveal())
    return hmac.digest(key, message, "sha256")


def encrypt(key: Secret, plaintext: Secret, aad: bytes) -> tuple[bytes, bytes]:
    """Return a random nonce and AES-256-GCM's ciphertext with its tag (NIST SP 800-38D)."""
    nonce = urandom(NONCE_BYTES)
    return nonce, AESGCM(key.reveal()).encrypt(nonce, plaintext.reveal(), aad)


def decrypt(key: Secret, nonce: bytes, ciphertext: bytes, aad: bytes) -> Secret:
    """Return the plaintext; raise DecryptionError if tag, nonce, key or *aad* do not fit."""
    try:
        return Secret(AESGCM(key.reveal()).decrypt(nonce, ciphertext, aad))
    except (InvalidTag, ValueError):  # ValueError: a nonce or key of a length that cannot be
        raise DecryptionError from None


def secret_aad(workspace: str, stream: str, field: str, version: int) -> bytes:
    """Return the AAD of a secret: label, workspace, integration, field and secret version."""
    place = (workspace.encode(), stream.encode(), field.encode(), version.to_bytes(8, "big"))
    return length_prefixed(SECRET_LABEL, *place)


def wrapped_key_aad(kek_id: str, aad: bytes) -> bytes:
    """Return the AAD of a wrapped key: label, KEK id, and the AAD of its secret."""
    return length_prefixed(WRAPPED_KEY_LABEL, kek_id.encode(), aad)


def length_prefixed(*parts: bytes) -> bytes:
    """Return *parts*, each after its length (8 bytes, big-endian), so that no two lists are alike.

    Without lengths, workspace `a` with stream `bc` would be bound like `ab` with `c`.
    """
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)
