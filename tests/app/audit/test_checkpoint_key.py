import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.audit.checkpoint import open_checkpoint_key, sign_checkpoint, verify_checkpoint
from app.audit.errors import CheckpointError, CheckpointKeyError
from app.audit.merkle import EMPTY_ROOT, TreeHead
from app.audit.signed_note import parse_verifier
from app.tokens.local_key import open_local_key


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = open_checkpoint_key(tmp_path, create=True)
    (file,) = tmp_path.iterdir()
    assert file.name == "audit-key.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = open_checkpoint_key(tmp_path, create=True)
    assert again.signer("demo").verifier == made.signer("demo").verifier


def test_it_is_another_key_than_that_of_the_tokens(tmp_path: Path) -> None:
    open_local_key(tmp_path, create=True)
    open_checkpoint_key(tmp_path, create=True)
    token_key, audit_key = (tmp_path / name for name in ("token-key.pem", "audit-key.pem"))
    assert token_key.read_bytes() != audit_key.read_bytes()


def test_each_workspace_has_a_verifier_key_of_its_own(tmp_path: Path) -> None:
    key = open_checkpoint_key(tmp_path, create=True)
    one, other = key.signer("one"), key.signer("other")
    assert str(one.verifier).startswith("integrations/one+")
    assert one.verifier.key_id != other.verifier.key_id
    note = sign_checkpoint(TreeHead(1, EMPTY_ROOT), 4, one)
    kept_outside = parse_verifier(str(one.verifier))
    assert verify_checkpoint(note, kept_outside).position == 4


def test_what_is_no_workspace_has_no_signer(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        open_checkpoint_key(tmp_path, create=True).signer("a/b")


# ----- The file -----
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    open_checkpoint_key(tmp_path, create=True)
    (tmp_path / "audit-key.pem").chmod(mode)
    told = refusal(tmp_path)
    assert told.startswith(f"the key {tmp_path / 'audit-key.pem'} must be a file of mode 0600")


def another_kind() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n",
        another_kind(),
    ],
    ids=["empty", "binary", "canary", "another kind"],
)
def test_a_file_that_is_no_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "audit-key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    told = refusal(tmp_path)
    assert told == f"the checkpoint key {path} is no Ed25519 key in PEM (PKCS #8, not encrypted)"
    assert path.read_bytes() == content


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "audit-key.pem", 0o600)
    assert "must be a file" in refusal(tmp_path)


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    assert "No such file or directory" in refusal(tmp_path / "missing")


def refusal(directory: Path) -> str:
    with pytest.raises(CheckpointKeyError) as raised:
        open_checkpoint_key(directory, create=True)
    assert "\n" not in str(raised.value)
    return str(raised.value)
