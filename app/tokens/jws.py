"""Signatures of tokens (RFC 7515): the only user of PyJWT."""

from collections.abc import Mapping
from typing import Literal, cast

import msgspec
from jwt import PyJWK, PyJWS
from jwt.algorithms import AllowedPrivateKeys
from jwt.exceptions import PyJWTError
from msgspec import Struct

Algorithm = Literal["EdDSA", "ES256", "RS256"]

# Only these three are registered, all asymmetric: `none` and HS256 do not exist here, so that
# no public key can ever be taken for a shared secret (RFC 8725, section 2.1).
SIGNATURES = PyJWS(algorithms=["EdDSA", "ES256", "RS256"])


class VerificationKey(Struct, frozen=True, eq=False):
    """A public key, bound to the one algorithm that it may verify."""

    kid: str | None
    algorithm: Algorithm
    public: PyJWK


def verification_key(jwk: Mapping[str, object], algorithm: Algorithm) -> VerificationKey | None:
    """Return the key that the public *jwk* (RFC 7517) describes; None if its numbers are wrong."""
    try:
        public = PyJWK(dict(jwk), algorithm)
    except (PyJWTError, TypeError, ValueError):
        return None
    return VerificationKey(cast("str | None", jwk.get("kid")), algorithm, public)


def signed_payload(token: str, key: VerificationKey) -> bytes | None:
    """Return the payload of the compact *token* where *key* signed it, else None.

    The algorithm is the key's: a token whose header names another one was not signed by it.
    PyJWT's reasons are dropped, because some of them repeat parts of the token.
    """
    try:
        decoded = SIGNATURES.decode_complete(token, key.public, algorithms=[key.algorithm])
    except (PyJWTError, ValueError):
        return None
    return cast("bytes", decoded["payload"])


def sign(claims: Mapping[str, object], private_key: AllowedPrivateKeys, kid: str) -> str:
    """Return a compact token with *claims*, signed with the Ed25519 *private_key* (RFC 8037)."""
    payload = msgspec.json.encode(claims)
    return SIGNATURES.encode(payload, private_key, algorithm="EdDSA", headers={"kid": kid})
