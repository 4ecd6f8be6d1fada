"""The key that a token names for leases: which are taken, and which are none."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.tokens.principal import principal_from
from app.tokens.recipient import Recipient, recipient_from
from tests.support.worker import UNUSABLE, jwk_of

KEY = X25519PrivateKey.generate()
JWK = jwk_of(KEY)


def test_an_x25519_key_is_the_recipient() -> None:
    recipient = recipient_from({"cnf": {"jwk": JWK}})

    assert isinstance(recipient, Recipient)
    assert recipient.public == KEY.public_key().public_bytes_raw()
    assert len(recipient.thumbprint) == 43


@pytest.mark.parametrize("how", UNUSABLE)
def test_anything_else_is_none(how: str) -> None:
    assert recipient_from({"cnf": UNUSABLE[how]}) is None


def test_only_who_may_lease_has_a_recipient() -> None:
    claims = {"sub": "w", "workspaceId": "demo", "cnf": {"jwk": JWK}}

    assert principal_from({**claims, "permissions": ["integrations:resolve"]}, 0.0).recipient
    assert principal_from({**claims, "permissions": ["integrations:view"]}, 0.0).recipient is None
