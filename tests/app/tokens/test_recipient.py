"""The key that a token names for leases: which are taken, and which are none."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.tokens.jwt import base64url
from app.tokens.principal import principal_from
from app.tokens.recipient import Recipient, recipient_from
from tests.support.hpke import LOW_ORDER

PUBLIC = X25519PrivateKey.generate().public_key().public_bytes_raw()
JWK = {"kty": "OKP", "crv": "X25519", "x": base64url(PUBLIC)}


def test_an_x25519_key_is_the_recipient() -> None:
    recipient = recipient_from({"cnf": {"jwk": JWK}})

    assert isinstance(recipient, Recipient)
    assert recipient.public == PUBLIC
    assert len(recipient.thumbprint) == 43


@pytest.mark.parametrize(
    "cnf",
    [
        None,
        "key",
        {},
        {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
        {"jwk": None},
        {"jwk": {**JWK, "kty": "EC", "crv": "P-256", "y": base64url(PUBLIC)}},
        {"jwk": {**JWK, "crv": "Ed25519"}},
        {"jwk": {**JWK, "d": base64url(PUBLIC)}},
        {"jwk": {**JWK, "x": base64url(PUBLIC[:31])}},
        {"jwk": {**JWK, "x": base64url(PUBLIC) + "="}},
        {"jwk": {**JWK, "x": "!" * 43}},
        {"jwk": {**JWK, "x": 7}},
        *({"jwk": {**JWK, "x": base64url(point)}} for point in LOW_ORDER),
    ],
)
def test_anything_else_is_none(cnf: Any) -> None:
    assert recipient_from({"cnf": cnf}) is None


def test_only_who_may_lease_has_a_recipient() -> None:
    claims = {"sub": "w", "workspaceId": "demo", "cnf": {"jwk": JWK}}

    assert principal_from({**claims, "permissions": ["integrations:resolve"]}, 0.0).recipient
    assert principal_from({**claims, "permissions": ["integrations:view"]}, 0.0).recipient is None
