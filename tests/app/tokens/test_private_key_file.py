from base64 import b64encode
from pathlib import Path

import pytest

from app.tokens.errors import TokenKeyError
from app.tokens.private_key_file import load_key


def test_what_is_made_is_what_is_read(tmp_path: Path) -> None:
    made = load_key(tmp_path / "key", "token key", create=True)
    for create in (True, False):
        again = load_key(tmp_path / "key", "token key", create=create)
        assert again.private_bytes_raw() == made.private_bytes_raw()


def test_a_missing_key_is_made_only_where_that_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(TokenKeyError, match="is not there: copy the file from the host"):
        load_key(tmp_path / "key", "token key", create=False)
    assert [*tmp_path.iterdir()] == []


def test_a_name_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.symlink_to(tmp_path / "missing")
    with pytest.raises(TokenKeyError, match="No such file"):
        load_key(path, "token key", create=True)


def test_a_key_of_a_kind_that_does_not_fit_its_length_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    body = b64encode(
        bytes.fromhex("302e020100300506032b656f04220420") + bytes(32)
    )  # X448, 32 bytes
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\n" + body + b"\n-----END PRIVATE KEY-----\n")
    path.chmod(0o600)

    with pytest.raises(TokenKeyError, match="no Ed25519 key"):
        load_key(path, "token key", create=False)
