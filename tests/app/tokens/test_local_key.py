import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from app.tokens.errors import TokenKeyError, UnauthorizedError
from app.tokens.local_key import LocalKey, open_local_key, warn_of_local_key
from app.tokens.principal import EDIT, ROLES, VIEW, Principal
from app.tokens.verifier import TokenVerifier

NOW = 1_800_000_000.0


def issued(
    key: LocalKey,
    role: str | None = None,
    permissions: list[str] | None = None,
    workspace: str = "ws",
) -> str:
    return key.issue(
        workspace=workspace,
        subject="operator",
        ttl=3600,
        issuer="integrations",
        audience="integrations",
        now=NOW,
        role=role,
        permissions=permissions,
    )


def verified(key: LocalKey, token: str, now: float = NOW) -> Principal:
    verifier = TokenVerifier(key, "integrations", "integrations", clock=lambda: now)
    return verifier.verify(f"Bearer {token}")


# ----- Tokens -----
def test_an_issued_token_is_trusted_until_it_ends(tmp_path: Path) -> None:
    key = open_local_key(tmp_path, create=True)
    token = issued(key, role="ADMIN")
    principal = verified(key, token, NOW + 3659)
    assert (principal.actor.sub, principal.workspace) == ("operator", "ws")
    assert principal.permissions == ROLES["ADMIN"]
    with pytest.raises(UnauthorizedError):
        verified(key, token, NOW + 3660)


def test_a_token_allows_the_permissions_it_was_issued_with(tmp_path: Path) -> None:
    key = open_local_key(tmp_path, create=True)
    assert verified(key, issued(key, permissions=[VIEW, EDIT])).permissions == {VIEW, EDIT}
    assert verified(key, issued(key, permissions=[])).permissions == frozenset()


def test_a_token_of_another_service_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    token = issued(open_local_key(tmp_path / "other", create=True), role="ADMIN")
    with pytest.raises(UnauthorizedError):
        verified(open_local_key(tmp_path, create=True), token)


@pytest.mark.parametrize("role", [None, "OWNER", ""])
def test_a_token_that_would_be_refused_is_not_issued(tmp_path: Path, role: str | None) -> None:
    with pytest.raises(UnauthorizedError):
        issued(open_local_key(tmp_path, create=True), role)
    with pytest.raises(UnauthorizedError):
        issued(open_local_key(tmp_path, create=True), workspace="../etc", role="ADMIN")


def test_the_kid_is_the_thumbprint_of_rfc_8037() -> None:
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"  # its appendix A.1
    key = LocalKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)))
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # and A.3
    (trusted,) = key.keys()
    assert trusted.kid == key.kid


# ----- The file -----
def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = open_local_key(tmp_path, create=True)
    (file,) = tmp_path.iterdir()
    assert file.name == "token-key.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert open_local_key(tmp_path, create=True).kid == made.kid


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    for round_ in range(3):
        directory = tmp_path / str(round_)
        directory.mkdir()
        with spawn.Pool(4) as pool:
            assert len(set(pool.map(kid_in, [directory] * 16, chunksize=1))) == 1
        assert [file.name for file in directory.iterdir()] == ["token-key.pem"]


def kid_in(directory: Path) -> str:
    return open_local_key(directory, create=True).kid


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o777])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    open_local_key(tmp_path, create=True)
    (tmp_path / "token-key.pem").chmod(mode)
    assert "must be a file of mode 0600" in refusal(tmp_path)


def pem(
    key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None
) -> bytes:
    protection = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"canary",
        b"\xff\x00",
        b"-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n",
        pem(Ed25519PrivateKey.generate())[:80],
        pem(Ed25519PrivateKey.generate(), b"canary"),
        pem(ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=["empty", "text", "binary", "canary", "cut off", "encrypted", "another kind"],
)
def test_a_file_that_is_no_key_is_refused_with_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token-key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    told = refusal(tmp_path)
    assert told == f"the token key {path} is no Ed25519 key in PEM (PKCS #8, not encrypted)"
    assert path.read_bytes() == content


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token-key.pem", 0o600)
    assert "must be a file" in refusal(tmp_path)


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    assert "No such file or directory" in refusal(tmp_path / "missing")


def refusal(directory: Path) -> str:
    with pytest.raises(TokenKeyError) as raised:
        open_local_key(directory, create=True)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("host", "warned"),
    [
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),  # noqa: S104 — nothing listens
        ("::", True),
        ("192.0.2.1", True),
        ("integrations.example", True),
    ],
)
def test_the_local_key_is_warned_of_where_others_can_connect(
    host: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_local_key(host)

    assert [("INTEGRATIONS_JWKS" in message, host in message) for message in caplog.messages] == [
        (True, True)
    ] * warned
