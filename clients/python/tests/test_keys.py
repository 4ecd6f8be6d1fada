"""Key files that cannot be used are refused in one line that says what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from integrations_client import ConfigurationError
from integrations_client.keys import PinnedKeys, WorkerKey, base64url

from app.tokens.thumbprint import thumbprint

X = base64url(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
JWK = {"kty": "OKP", "crv": "Ed25519", "x": X}


def pem(key: Any, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_the_thumbprint_is_the_one_that_the_service_names(tmp_path: Path) -> None:
    key = X25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(pem(key))

    read = WorkerKey(tmp_path / "key.pem")

    assert read.thumbprint == thumbprint("X25519", key.public_key().public_bytes_raw())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem(Ed25519PrivateKey.generate()),
        pem(X25519PrivateKey.generate(), b"password"),
    ],
    ids=["empty", "damaged", "another kind", "encrypted"],
)
def test_a_wrong_worker_key_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"^[^\n]*key\.pem is no X25519 key[^\n]*$"):
        WorkerKey(tmp_path / "key.pem")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"key\.pem cannot be read: No such file"):
        WorkerKey(tmp_path / "key.pem")
    with pytest.raises(ConfigurationError, match=r"lease-key\.json cannot be read: No such file"):
        PinnedKeys(tmp_path / "lease-key.json")


@pytest.mark.parametrize(
    "document",
    [JWK, {"keys": [JWK]}, {"result": {"data": [JWK]}}, [JWK], {**JWK, "kid": "another"}],
)
def test_a_key_is_found_by_its_thumbprint(document: Any, tmp_path: Path) -> None:
    (tmp_path / "lease-key.json").write_text(json.dumps(document))

    [kid] = PinnedKeys(JWK)._keys  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    assert PinnedKeys(tmp_path / "lease-key.json").find(kid)


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"keys": []},
        {"result": {"data": []}},
        {"result": {"data": [JWK, {}]}},
        {"keys": [JWK, {}]},
        {**JWK, "crv": "X25519"},
        {**JWK, "x": X[:-1]},
        {**JWK, "x": X + "="},
        {**JWK, "x": None},
        {**JWK, "d": X},
        "x",
        None,
    ],
)
def test_what_is_no_public_key_is_not_pinned(document: Any, tmp_path: Path) -> None:
    (tmp_path / "lease-key.json").write_text(json.dumps(document))

    with pytest.raises(ConfigurationError):
        PinnedKeys(tmp_path / "lease-key.json")
    if isinstance(document, dict):
        with pytest.raises(ConfigurationError):
            PinnedKeys(document)  # pyright: ignore[reportUnknownArgumentType]
