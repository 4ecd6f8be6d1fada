"""Tokens sealed by what a browser holds, the code of a link or the cookie of a session: its key.

    key ------ SHA-256 ------------------------------------------> id of the row
    key ------ HKDF-SHA256, with a label for each table (RFC 5869) --> AES-256-GCM: the sealed token

A key is 256 random bits, so nobody finds one by trying, and neither its hash nor the ciphertext
says anything of it. It seals one token, once. What is in the database opens nothing, then, and no
keyring has to be asked, rotated or backed up.
"""

import re
import secrets
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from app.secrets.errors import DecryptionError
from app.secrets.sealing import KEY_BYTES, NONCE_BYTES, decrypt, encrypt
from app.secrets.secret import Secret

KEY = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes in base64url


class SealedToken(Struct, frozen=True):
    """A row: its id, and the nonce and ciphertext of its token, bound to the id."""

    id: bytes
    sealed: bytes


def seal_token(token: str, label: bytes) -> tuple[str, SealedToken]:
    """Return a new key, and *token* sealed with it for the table that *label* names."""
    key = secrets.token_urlsafe(KEY_BYTES)
    id_ = sha256(key.encode()).digest()
    nonce, ciphertext = encrypt(sealing_key(key, label), Secret(token.encode()), id_)
    return key, SealedToken(id_, nonce + ciphertext)


def find_id(key: str) -> bytes | None:
    """Return the id of the row of *key*, which is what a browser sent; None if it is no key."""
    return sha256(key.encode()).digest() if KEY.fullmatch(key) else None


def open_token(key: str, row: SealedToken, label: bytes) -> str | None:
    """Return the token of *row*; None if *key* did not seal it, or did for another table."""
    nonce, ciphertext = row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:]
    try:
        return decrypt(sealing_key(key, label), nonce, ciphertext, row.id).reveal().decode()
    except DecryptionError:
        return None


def sealing_key(key: str, label: bytes) -> Secret:
    """Return what seals the token of *key*: not what its id is made from, so neither gives both."""
    return Secret(HKDF(SHA256(), KEY_BYTES, salt=None, info=label).derive(key.encode()))
