"""Sealing a lease: what sending needs, for one worker alone; the only user of HPKE.

HPKE (RFC 9180) in base mode does not say who sealed: the lease's signature does
(app/secrets/lease_key.py). Its public interface has no additional data, so what the content is
bound to stands in `info`, as RFC 9180, 8.1, tells single-shot users.
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from app.secrets.sealing import length_prefixed
from app.secrets.secret import Secret

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SUITE_NAME = "HPKE-0020-0001-0002"  # the ids of RFC 9180, section 7
LABEL = b"integrations/lease/v1"


def seal_for(recipient: bytes, content: Secret, info: bytes) -> bytes:
    """Return *content* sealed to the X25519 key *recipient*, bound to *info*.

    The first 32 bytes are the encapsulated key, the rest is the ciphertext with its tag.
    """
    return SUITE.encrypt(content.reveal(), X25519PublicKey.from_public_bytes(recipient), info)


def lease_info(workspace: str, integration: str, version: int, thumbprint: str) -> bytes:
    """Return what a lease is bound to: whose it is, of which version, and for which key."""
    return length_prefixed(
        LABEL,
        workspace.encode(),
        integration.encode(),
        version.to_bytes(8, "big"),
        thumbprint.encode(),
    )
