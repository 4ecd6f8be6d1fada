"""Sealing leases: as RFC 9180 says; only the recipient opens them, and no byte can be changed."""

import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from app.secrets.lease import SUITE, lease_info, seal_for
from app.secrets.secret import Secret
from tests.support import hpke

KEY = X25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
INFO = lease_info("demo", "int_1", 7, "thumbprint")
SEALED = seal_for(PUBLIC, Secret(b"content"), INFO)
ROOT = Path(__file__).parents[3]
PYHPKE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
# Mode 0, KEM 0x0020, KDF 0x0001, AEAD 0x0002, sequence number 0 of the CFRG's test-vectors.json,
# which RFC 9180, appendix A, names; the appendix itself prints other AEADs for this KEM.
(
    PRIVATE,
    PRIVATE_EPHEMERAL,
    VECTOR_INFO,
    VECTOR_AAD,
    VECTOR_CONTENT,
    VECTOR_ENC,
    VECTOR_CIPHERTEXT,
) = map(
    bytes.fromhex,
    (
        "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
        "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11",
        "4f6465206f6e2061204772656369616e2055726e",
        "436f756e742d30",
        "4265617574792069732074727574682c20747275746820626561757479",
        "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
        "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
    ),
)
VECTOR_SEALED = VECTOR_ENC + VECTOR_CIPHERTEXT
VECTOR_KEY = X25519PrivateKey.from_private_bytes(PRIVATE)


def test_the_recipient_opens_it() -> None:
    assert SUITE.decrypt(SEALED, KEY, INFO) == b"content"


# ----- As the standard, and as another implementation -----
def test_the_library_opens_the_vector_of_the_rfc() -> None:
    # The public interface has no additional data, and all vectors have some.
    opened = openssl.hpke._decrypt_with_aad(  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        SUITE, VECTOR_SEALED, VECTOR_KEY, VECTOR_INFO, VECTOR_AAD
    )

    assert opened == VECTOR_CONTENT


def test_our_written_out_sender_seals_the_vector_of_the_rfc_and_the_library_opens_it() -> None:
    public = VECTOR_KEY.public_key().public_bytes_raw()

    def seal(aad: bytes) -> bytes:
        return hpke.seal(public, VECTOR_CONTENT, VECTOR_INFO, ephemeral=PRIVATE_EPHEMERAL, aad=aad)

    assert seal(VECTOR_AAD) == VECTOR_SEALED
    assert SUITE.decrypt(seal(b""), VECTOR_KEY, VECTOR_INFO) == VECTOR_CONTENT


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_pyhpke_opens_what_we_seal(content: bytes, info: bytes) -> None:
    sealed = seal_for(PUBLIC, Secret(content), info)
    key = KEMKey.from_pyca_cryptography_key(KEY)

    opened = PYHPKE.create_recipient_context(sealed[:32], key, info).open(sealed[32:])

    assert opened == content


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_we_open_what_pyhpke_seals(content: bytes, info: bytes) -> None:
    key = KEMKey.from_pyca_cryptography_key(KEY.public_key())

    enc, sender = PYHPKE.create_sender_context(key, info)

    assert SUITE.decrypt(enc + sender.seal(content), KEY, info) == content


# ----- Changed -----
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_other_byte_does_not_open(place: int, change: int) -> None:
    with pytest.raises(InvalidTag):
        SUITE.decrypt(with_byte(SEALED, place, change), KEY, INFO)


@given(st.integers(0, len(INFO) - 1), st.integers(1, 255))
def test_with_any_other_byte_of_info_it_does_not_open(place: int, change: int) -> None:
    with pytest.raises(InvalidTag):
        SUITE.decrypt(SEALED, KEY, with_byte(INFO, place, change))


def with_byte(data: bytes, place: int, change: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= change
    return bytes(changed)


@pytest.mark.parametrize(
    "info",
    [
        lease_info("demo2", "int_1", 7, "thumbprint"),
        lease_info("demo", "int_2", 7, "thumbprint"),
        lease_info("demo", "int_1", 8, "thumbprint"),
        lease_info("demo", "int_1", 7, "another"),
        lease_info("demoi", "nt_1", 7, "thumbprint"),
    ],
)
def test_a_lease_of_another_integration_version_or_worker_does_not_open(info: bytes) -> None:
    with pytest.raises(InvalidTag):
        SUITE.decrypt(SEALED, KEY, info)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(InvalidTag):
        SUITE.decrypt(SEALED, X25519PrivateKey.generate(), INFO)


def test_hpke_is_used_in_one_place() -> None:
    found = subprocess.run(
        ["/bin/grep", "-rlE", "primitives.hpke", "app", "domain", "projections", "scripts",
         "--include=*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert found.stdout.split() == ["app/secrets/lease.py"]
