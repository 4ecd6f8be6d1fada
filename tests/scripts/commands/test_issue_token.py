"""integrations token, as an operator types it."""

from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.tokens.jwt import base64url
from app.tokens.local_key import open_local_key
from app.tokens.principal import PERMISSIONS, RESOLVE
from scripts.commands.issue_token import token_command
from scripts.commands.operator_log import user_name
from tests.support.service import security_line

RECIPIENT = base64url(X25519PrivateKey.generate().public_key().public_bytes_raw())


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str | None]:
    open_local_key(tmp_path, create=True)
    return {"INTEGRATIONS_DATA_DIR": str(tmp_path), "INTEGRATIONS_JWKS": None}


def run(settings: dict[str, str | None], *words: str) -> Result:
    return CliRunner().invoke(token_command, ["--workspace", "demo", *words], env=settings)


def claims(token: str) -> dict[str, Any]:
    _, payload, _ = token.split(".")
    return msgspec.json.decode(decode_base64url(payload))


def decode_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(("ttl", "seconds"), [("1s", 1), ("15m", 900), ("30d", 2_592_000)])
def test_a_token_lasts_as_long_as_was_asked(
    settings: dict[str, str | None], ttl: str, seconds: int
) -> None:
    claimed = claims(run(settings, "--ttl", ttl).stdout.strip())

    assert claimed["exp"] - claimed["iat"] == seconds


@pytest.mark.parametrize("ttl", ["31d", "721h", "43201m", "2592001s", "0s", "0d", "-1h", "1", "1w"])
def test_a_token_lasts_no_longer_than_thirty_days(
    settings: dict[str, str | None], ttl: str
) -> None:
    refused = run(settings, "--ttl", ttl)

    assert (refused.exit_code, refused.stdout) == (2, "")


def test_permissions_are_repeated_and_a_subject_is_named(settings: dict[str, str | None]) -> None:
    words = [word for each in sorted(PERMISSIONS) for word in ("--permission", each)]
    claimed = claims(run(settings, *words, "--subject", "nightly-job").stdout.strip())

    assert claimed["sub"] == "nightly-job"
    assert claimed["permissions"] == sorted(PERMISSIONS)
    assert "role" not in claimed


def test_with_a_jwks_no_token_is_issued(settings: dict[str, str | None]) -> None:
    refused = run(settings | {"INTEGRATIONS_JWKS": "https://issuer.example/jwks.json"})

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "INTEGRATIONS_JWKS is set" in str(refused.exception)
    assert security_line(refused.stderr)["outcome"] == "failed"


def test_who_issued_a_token_for_whom_is_a_line_without_the_token(
    settings: dict[str, str | None],
) -> None:
    issued = run(settings, "--role", "VIEWER", "--ttl", "2h")
    line = security_line(issued.stderr)

    assert issued.stdout.count("\n") == 1
    assert line.pop("timestamp")
    assert line == {
        "source": "security",
        "command": "token",
        "user": user_name(),
        "ids": {"workspace": "demo", "subject": "cli", "grants": "VIEWER", "seconds": "7200"},
        "outcome": "done",
        "reason": None,
        "event": "command",
        "level": "info",
    }
    assert not any(part in issued.stderr for part in issued.stdout.strip().split("."))


def test_a_token_to_lease_without_a_recipient_is_warned_of(
    settings: dict[str, str | None],
) -> None:
    issued = run(settings, "--permission", RESOLVE)
    with_key = run(settings, "--permission", RESOLVE, "--recipient", RECIPIENT)

    assert claims(issued.stdout.strip())["permissions"] == [RESOLVE]
    assert "without --recipient no lease is granted: " in issued.stderr
    assert "--recipient" not in with_key.stderr
