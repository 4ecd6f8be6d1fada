"""Who a token speaks for, as a client asks it."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.settings import read_settings
from app.tokens.jwt import SIGNATURES
from app.tokens.local_key import FILE_NAME, LocalKey
from app.tokens.principal import PERMISSIONS, ROLES
from app.tokens.private_key_file import load_key
from tests.support.service import Service

PATH = "/en/api/whoami"


@pytest.fixture
def ask(service: Service) -> Callable[..., dict[str, Any]]:
    """Ask with a token that has some claims; return the data."""
    key = load_key(
        read_settings(service.environment).data_dir / FILE_NAME, "token key", create=False
    )

    def ask(**claims: object) -> dict[str, Any]:
        known = {"iss": "integrations", "aud": "integrations", "sub": "ana", "workspaceId": "w"}
        payload = json.dumps(known | {"exp": int(time.time()) + 60, "role": "VIEWER"} | claims)
        token = SIGNATURES.encode(
            payload.encode(), key, algorithm="EdDSA", headers={"kid": LocalKey(key).kid}
        )
        with service.caller() as client:
            answer = client.get(PATH, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]["data"]

    return ask


def test_a_token_says_who_where_what_and_until_when(ask: Callable[..., dict[str, Any]]) -> None:
    named = ask(name="Ana", email="ana@example.com", exp=1_893_456_000, role="ADMIN")

    assert named == {
        "actor": {"id": "ana", "name": "Ana", "email": "ana@example.com"},
        "workspaceId": "w",
        "permissions": sorted(ROLES["ADMIN"]),
        "expiresAt": "2030-01-01T00:00:00.000Z",
    }


@pytest.mark.parametrize("permission", [*sorted(PERMISSIONS), None])
def test_a_token_may_ask_whatever_it_allows(
    ask: Callable[..., dict[str, Any]], permission: str | None
) -> None:
    allowed = [permission] if permission else []

    assert ask(permissions=allowed)["permissions"] == allowed


@pytest.mark.parametrize("end", [253_402_300_800, 10**30, 1e300])
def test_a_token_without_a_real_end_ends_with_the_last_date(
    ask: Callable[..., dict[str, Any]], end: float
) -> None:
    assert ask(exp=end)["expiresAt"] == "9999-12-31T23:59:59.000Z"


def test_without_a_token_nobody_is_shown(service: Service) -> None:
    with service.caller() as client:
        answer = client.get(PATH, headers={"Authorization": ""})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
