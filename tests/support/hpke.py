"""HPKE's sender in base mode (RFC 9180), written out: with an ephemeral key of one's own.

It makes what no library makes: the same bytes each time, and contents sealed by points of low
order, which open if the opener does not look at the shared secret.
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

KEM, KDF = 0x0020, 0x0001  # X25519, HKDF-SHA256
AES_128_GCM, AES_256_GCM = 0x0001, 0x0002
KEY_BYTES = {AES_128_GCM: 16, AES_256_GCM: 32}
# Points of low order (RFC 7748, section 6.1; https://cr.yp.to/ecdh.html#validate): what is sealed
# to one, and what is sealed by one, everybody can open.
LOW_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
)


def seal(  # noqa: PLR0913 — as the RFC's function has them
    recipient: bytes,
    content: bytes,
    info: bytes,
    *,
    ephemeral: bytes,
    aad: bytes = b"",
    aead: int = AES_256_GCM,
) -> bytes:
    """Return *content* sealed to *recipient* with the private key *ephemeral* (section 5.1.1)."""
    key = X25519PrivateKey.from_private_bytes(ephemeral)
    dh = key.exchange(X25519PublicKey.from_public_bytes(recipient))
    enc = key.public_key().public_bytes_raw()
    return enc + encrypt(shared_secret(dh, enc, recipient), content, info, aad, aead)


def seal_by_low_order(recipient: bytes, content: bytes, info: bytes, enc: bytes) -> bytes:
    """Return *content* as sealed by the point *enc* of low order: the exchange gives zeros."""
    return enc + encrypt(shared_secret(bytes(32), enc, recipient), content, info)


def shared_secret(dh: bytes, enc: bytes, recipient: bytes) -> bytes:
    """ExtractAndExpand of the KEM (section 4.1)."""
    suite = b"KEM" + KEM.to_bytes(2)
    secret = extract(suite, b"", b"eae_prk", dh)
    return expand(suite, secret, b"shared_secret", enc + recipient, 32)


def encrypt(
    shared: bytes, content: bytes, info: bytes, aad: bytes = b"", aead: int = AES_256_GCM
) -> bytes:
    """KeySchedule of base mode, then Seal with sequence number 0 (sections 5.1, 5.2)."""
    suite = b"HPKE" + b"".join(number.to_bytes(2) for number in (KEM, KDF, aead))
    no_psk = extract(suite, b"", b"psk_id_hash", b"")
    context = b"\x00" + no_psk + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared, b"secret", b"")
    key = expand(suite, secret, b"key", context, KEY_BYTES[aead])
    nonce = expand(suite, secret, b"base_nonce", context, 12)
    return AESGCM(key).encrypt(nonce, content, aad)


def extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    """LabeledExtract (section 4)."""
    return HKDF.extract(SHA256(), salt or bytes(32), b"HPKE-v1" + suite + label + material)


def expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand (section 4)."""
    labelled = length.to_bytes(2) + b"HPKE-v1" + suite + label + info
    return HKDFExpand(SHA256(), length, labelled).derive(key)
