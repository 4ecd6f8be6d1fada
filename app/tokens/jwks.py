"""What of a JWKS (RFC 7517) we take, and what we leave."""

from codecs import BOM_UTF8

import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.tokens.errors import JwksError
from app.tokens.jwt import ALGORITHMS, Algorithm, VerificationKey, verification_key

MAX_JWKS_BYTES = 64 * 1024
MAX_KEYS = 64
MAX_KEY_AGE = 24 * 3600.0  # seconds for which keys that cannot be read again are accepted
MIN_RSA_BITS = 2048  # NIST SP 800-131A; RFC 7518, section 3.3
MAX_RSA_BITS = 8192  # a signature by a larger key takes so long that it stops the event loop

ALGORITHM_BY_KEY_TYPE: dict[tuple[str, str | None], Algorithm] = {
    ("OKP", "Ed25519"): "EdDSA",
    ("EC", "P-256"): "ES256",
    ("RSA", None): "RS256",
}


class Jwk(Struct, frozen=True):
    """What decides on a key's use (RFC 7517, section 4); its numbers are PyJWT's to read."""

    kty: str
    crv: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None
    alg: str | None = None
    kid: str | None = None
    d: object | UnsetType = UNSET


class Jwks(Struct, frozen=True):
    """A JWK Set (RFC 7517, section 5)."""

    keys: list[msgspec.Raw]


class UsableKeys(Struct, frozen=True):
    """The keys of a JWKS that we take, and for each other one its place and why not."""

    keys: tuple[VerificationKey, ...]
    skipped: tuple[str, ...]

    def required_from(self, source: str) -> tuple[VerificationKey, ...]:
        """Return the keys. Raises JwksError, which names *source* if there is none."""
        if not self.keys:
            raise JwksError("; ".join((f"JWKS {source}: it holds no usable key", *self.skipped)))
        return self.keys


def select_keys(document: bytes) -> UsableKeys:
    """Return the keys of a JWKS that can verify tokens.

    A key that we cannot use is skipped with a reason, since a set may hold keys for others:
    symmetric keys, keys for encryption, other curves, RSA under 2048 bits. So is a private key:
    it has been published, anybody could sign with it.

    Raises:
        JwksError: it is larger than 64 KiB, not a JWKS, or has more than 64 keys.
    """
    taken: list[VerificationKey] = []
    skipped: list[str] = []
    for number, raw in enumerate(decode_jwks(document).keys, start=1):
        key = key_or_reason(raw)
        if isinstance(key, str):
            skipped.append(f"key {number} is skipped: {key}")
        else:
            taken.append(key)
    return UsableKeys(tuple(taken), tuple(skipped))


def decode_jwks(document: bytes) -> Jwks:
    """Return the JWKS in *document*, of bounded size."""
    message = "it is no JWKS (JSON with a list `keys`)"
    if len(document) > MAX_JWKS_BYTES:
        message = "the JWKS is larger than 64 KiB"
        raise JwksError(message)
    try:
        jwks = msgspec.json.decode(document.removeprefix(BOM_UTF8), type=Jwks)
    except (ValueError, RecursionError):
        raise JwksError(message) from None
    if len(jwks.keys) > MAX_KEYS:
        message = f"the JWKS has more than {MAX_KEYS} keys"
        raise JwksError(message)
    return jwks


def key_or_reason(raw: msgspec.Raw) -> VerificationKey | str:
    """Return the key, or why we do not take it; the reason repeats nothing of it."""
    try:
        jwk = msgspec.json.decode(raw, type=Jwk)
        fields = msgspec.json.decode(raw, type=dict[str, object])  # looks at what Jwk passes over
    except (ValueError, RecursionError):
        return "it is no JWK"
    algorithm = ALGORITHM_BY_KEY_TYPE.get((jwk.kty, jwk.crv))
    if algorithm is None:
        return "it is none of Ed25519, P-256 and RSA"
    if objection := rejection_reason(jwk, algorithm):
        return objection
    key = verification_key(fields, algorithm)
    return require_safe_key_size(key) if key else "its numbers are not a public key"


def rejection_reason(jwk: Jwk, algorithm: Algorithm) -> str | None:
    """Return why the key is not meant for verifying our tokens, or None."""
    if jwk.d is not UNSET:
        return "it is a private key"
    if jwk.use not in (None, "sig") or (jwk.key_ops is not None and "verify" not in jwk.key_ops):
        return "it is not meant for verifying signatures"
    if jwk.alg is not None and ALGORITHMS.get(jwk.alg) != algorithm:
        return f"its alg is not {algorithm}"
    return None


def require_safe_key_size(key: VerificationKey) -> VerificationKey | str:
    """Return the key unless it is RSA of a size that is unsafe or too slow."""
    if key.algorithm == "RS256" and not MIN_RSA_BITS <= key.public.key.key_size <= MAX_RSA_BITS:
        return f"its RSA modulus has not {MIN_RSA_BITS} to {MAX_RSA_BITS} bits"
    return key
