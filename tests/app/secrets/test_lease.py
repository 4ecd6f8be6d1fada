"""Sealing leases: only the recipient opens them, and nothing of them can be changed."""

import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.secrets.lease import SUITE, lease_info, seal_for
from app.secrets.secret import Secret

KEY = X25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
INFO = lease_info("demo", "int_1", 7, "thumbprint")
SEALED = seal_for(PUBLIC, Secret(b"content"), INFO)
ROOT = Path(__file__).parents[3]


def test_the_recipient_opens_it() -> None:
    assert SUITE.decrypt(SEALED, KEY, INFO) == b"content"


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_other_byte_does_not_open(place: int, change: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= change

    with pytest.raises((InvalidTag, ValueError)):
        SUITE.decrypt(bytes(changed), KEY, INFO)


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
    with pytest.raises((InvalidTag, ValueError)):
        SUITE.decrypt(SEALED, KEY, info)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises((InvalidTag, ValueError)):
        SUITE.decrypt(SEALED, X25519PrivateKey.generate(), INFO)


def test_hpke_is_used_in_one_place() -> None:
    found = subprocess.run(
        ["/bin/grep", "-rlE", "primitives.hpke", "app", "domain", "projections", "scripts",
         "--include=*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert found.stdout.split() == ["app/secrets/lease.py"]
