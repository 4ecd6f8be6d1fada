"""Opening a lease: nothing of it is used before all of it is proved (docs/workers.md)."""

import json
from collections.abc import Mapping
from time import time
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from jwt import PyJWS
from jwt.exceptions import PyJWTError

from integrations_client.errors import ConfigurationError, InvalidLeaseError
from integrations_client.json_values import Json, as_list, as_object
from integrations_client.keys import PinnedKeys, WorkerKey, from_base64url
from integrations_client.lease import Lease
from integrations_client.term import Term

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SUITE_NAME = "HPKE-0020-0001-0002"
LABEL = b"integrations/lease/v1"
AUDIENCE = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"  # RFC 9278
HEADER = {"alg": "EdDSA", "typ": "lease+jwt"}
# Only EdDSA is registered: `none` and HS256 do not exist here.
SIGNATURES = PyJWS(algorithms=["EdDSA"])

Target = tuple[Literal["integration", "channel"], str]
"""What is leased: an integration by its id, or the default of a channel by its name."""

CHANNELS = ("EMAIL", "SMS", "PUSH")


def channel_target(channel: str) -> Target:
    """Return the default of *channel*; raise ConfigurationError if there is no such channel."""
    if channel not in CHANNELS:
        message = f"{channel!r} is no channel: EMAIL, SMS or PUSH"
        raise ConfigurationError(message)
    return "channel", channel


class Opener(NamedTuple):
    """Opens leases with the worker's key, if a pinned key signed them."""

    key: WorkerKey
    pinned: PinnedKeys

    def open(self, token: str, target: Target, *, waited: float) -> Lease:
        """Return the lease in *token*; *waited* are the seconds since it was asked for.

        Raises:
            InvalidLeaseError: it is not signed by a pinned key, not for this worker, over, of
                something else, or does not open.
        """
        claims = self._verify(token)
        require_equal("aud", claims.get("aud"), AUDIENCE + self.key.thumbprint)
        require_equal("suite", claims.get("suite"), SUITE_NAME)
        if target[0] == "integration":
            require_equal("integrationId", claims.get("integrationId"), target[1])
        content = self._unseal(claims)
        if target[0] == "channel":
            require_equal("channel", content.get("channel"), target[1])
        require(bool(text(content, "type")), "it names no provider")
        return Lease(
            text(claims, "integrationId"),
            number(claims, "version"),
            credential_versions(claims),
            content,
            Term(remaining(claims, waited)),
        )

    def _verify(self, token: str) -> Json:
        """Return the claims of *token*, which a pinned key signed."""
        try:
            header = SIGNATURES.get_unverified_header(token)
            for name, value in HEADER.items():
                require_equal(name, header.get(name), value)
            require("crit" not in header, "it asks for an extension (crit)")
            key = self.pinned.find(header.get("kid"))
            decoded = SIGNATURES.decode_complete(token, key, algorithms=["EdDSA"])
            return as_object(json.loads(decoded["payload"]))
        except (PyJWTError, ValueError, RecursionError) as error:
            name = type(error).__name__
            raise InvalidLeaseError(name) from None

    def _unseal(self, claims: Json) -> Json:
        """Return the sealed content, which only this worker's key opens."""
        version = number(claims, "version").to_bytes(8, "big")
        place = [text(claims, name).encode() for name in ("workspaceId", "integrationId")]
        info = length_prefixed(LABEL, *place, version, self.key.thumbprint.encode())
        try:
            sealed = from_base64url(text(claims, "sealed"))
            return as_object(json.loads(SUITE.decrypt(sealed, self.key.private, info)))
        except (InvalidTag, ValueError):
            message = "it does not open with this worker's key"
            raise InvalidLeaseError(message) from None


def length_prefixed(*parts: bytes) -> bytes:
    """Return *parts*, each after its length in 8 bytes, so that no two lists look alike."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def remaining(claims: Json, waited: float) -> float:
    """Return how many seconds the lease may be used, never beyond its `exp`; raise if it is over.

    At most the time from `iat` to `exp`, so that a slow clock here makes no lease longer.
    """
    end = number(claims, "exp")
    left = min(end - time(), end - number(claims, "iat") - waited)
    require(left > 0, "it is over (exp); is this machine's clock right?")
    return left


def credential_versions(claims: Json) -> Mapping[str, int]:
    """Return the version of each secret in the lease, by its field."""
    entries = [as_object(entry) for entry in as_list(claims.get("credentials"))]
    return {text(entry, "field"): number(entry, "version") for entry in entries}


def text(claims: Json, name: str) -> str:
    """Return the claim *name*, which is a string."""
    value = claims.get(name)
    require(isinstance(value, str), f"its {name} is no string")
    return str(value)


def number(claims: Json, name: str) -> int:
    """Return the claim *name*, which is a whole number that fits 8 bytes."""
    value = claims.get(name)
    if type(value) is int and 0 <= value < 1 << 63:
        return value
    message = f"its {name} is no whole number"
    raise InvalidLeaseError(message)


def require_equal(name: str, value: object, expected: str) -> None:
    """Raise InvalidLeaseError unless *value* is *expected*."""
    require(value == expected, f"its {name} is not {expected}")


def require(holds: bool, reason: str) -> None:  # noqa: FBT001 — it reads as an assertion
    """Raise InvalidLeaseError with *reason* unless something *holds*."""
    if not holds:
        raise InvalidLeaseError(reason)
