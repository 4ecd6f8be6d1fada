"""Authentication: every kind of invalid token, and the permissions of a valid one."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from app.settings import read_settings
from app.tokens.local_key import LocalKey, base64url, open_local_key
from scripts.commands.issue_token import issue
from tests.support.service import Service

PATH = "/en/api/integration"
INVALID = 'Bearer error="invalid_token"'
Problem = Callable[..., dict[str, Any]]


def altered(token: str, part: int, **members: object) -> str:
    """Return *token* with other members in its header (0) or payload (1), the signature kept."""
    parts = token.split(".")
    inside = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    changed = json.dumps(inside | members).encode()
    parts[part] = base64.urlsafe_b64encode(changed).decode().rstrip("=")
    return ".".join(parts)


BROKEN: dict[str, Callable[[str], str | None]] = {
    "none": lambda _: None,
    "empty": lambda _: "",
    "the word alone": lambda _: "Bearer",
    "no token": lambda _: "Bearer =",
    "another scheme": lambda token: f"Basic {token}",
    "no scheme": lambda token: token,
    "two tokens": lambda token: f"Bearer {token} {token}",
    "no JWT": lambda _: "Bearer secret-opaque-token",
    "two parts": lambda token: f"Bearer {token.rpartition('.')[0]}",
    "no signature": lambda token: f"Bearer {token.rpartition('.')[0]}.",
    "another signature": lambda token: f"Bearer {token[:-8]}AAAAAAAA",
    "another workspace": lambda token: f"Bearer {altered(token, 1, workspaceId='other')}",
    "another role": lambda token: f"Bearer {altered(token, 1, role='VIEWER')}",
    "a later end": lambda token: f"Bearer {altered(token, 1, exp=9_999_999_999)}",
    "alg none": lambda token: f"Bearer {altered(token, 0, alg='none')}",
    "alg HS256": lambda token: f"Bearer {altered(token, 0, alg='HS256')}",
    "a key of its own": lambda token: f"Bearer {altered(token, 0, jwk={'kty': 'OKP'})}",
    "an unknown kid": lambda token: f"Bearer {altered(token, 0, kid='secret-kid')}",
    "too long": lambda token: f"Bearer {token}{'A' * 9_000}",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_request_without_a_valid_token_is_refused(
    service: Service, client: httpx2.Client, problem: Problem, how: str
) -> None:
    token = client.headers["authorization"].removeprefix("Bearer ")
    broken = BROKEN[how](token)
    headers = {} if broken is None else {"Authorization": broken}

    answer = httpx2.get(service.address + PATH, headers=headers)

    result = problem(answer, 401, "UNAUTHORIZED")
    scheme, _, credentials = (broken or "").partition(" ")
    asked = "Bearer" if scheme != "Bearer" or not credentials else INVALID
    assert answer.headers["www-authenticate"] == asked
    assert "details" not in result  # not a word about what is wrong with it
    assert "secret" not in answer.text
    assert token not in answer.text


def test_an_expired_token_is_refused(service: Service, problem: Problem) -> None:
    settings = read_settings(service.environment)
    expired = issue(settings, workspace="w", subject="s", role="ADMIN", ttl=-61)  # 60 s of leeway
    valid = issue(settings, workspace="w", subject="s", role="ADMIN", ttl=-30)

    answers = [
        httpx2.get(service.address + PATH, headers={"Authorization": f"Bearer {token}"})
        for token in (expired, valid)
    ]

    problem(answers[0], 401, "UNAUTHORIZED")
    assert answers[1].status_code == 200


def test_the_token_is_checked_before_the_request(service: Service, problem: Problem) -> None:
    for content in (b"{", b" " * 100_000):
        problem(httpx2.post(service.address + PATH, content=content), 401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", PATH), ("DELETE", f"{PATH}/int_00000000000000000000000000")]
)
def test_a_viewer_can_read_and_nothing_else(
    service: Service, problem: Problem, workspace: str, method: str, path: str
) -> None:
    with service.caller(workspace, "VIEWER") as viewer:
        assert viewer.get(PATH).status_code == 200
        problem(viewer.request(method, path, json={}), 403, "FORBIDDEN")


def test_permissions_are_what_the_token_lists(service: Service, problem: Problem) -> None:
    with service.client("--permission", "integrations:create") as creator:
        problem(creator.get(PATH), 403, "FORBIDDEN")
        problem(creator.post(PATH, json={}), 400, "VALIDATION_ERROR")


# ----- Forged with all that an attacker may know, and what our own key must not have signed -----
Claims = dict[str, object]


def claims_of(token: str) -> Claims:
    """Return the claims of *token*."""
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def compact(header: Claims, claims: Claims, sign: Callable[[bytes], bytes]) -> str:
    """Return a token with a *header* and *claims* of any kind."""
    parts = [base64url(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join((*parts, base64url(sign(".".join(parts).encode()))))


FORGED: dict[str, Callable[[LocalKey, Claims], str]] = {
    "by a stranger's key": lambda key, claims: compact(
        {"alg": "EdDSA", "kid": key.kid}, claims, STRANGER.sign
    ),
    "by a key in its header": lambda key, claims: compact(
        {"alg": "EdDSA", "kid": key.kid, "jwk": jwk_of(STRANGER)}, claims, STRANGER.sign
    ),
    "by a key that its header leads to": lambda _, claims: compact(
        {"alg": "EdDSA", "kid": "new", "jku": "http://127.0.0.1:9/jwks"}, claims, STRANGER.sign
    ),
    "unsigned": lambda _, claims: compact({"alg": "none"}, claims, lambda _: b""),
    "HS256 with the public key": lambda key, claims: compact(
        {"alg": "HS256", "kid": key.kid},
        claims,
        lambda data: hmac.digest(public_bytes(key), data, "sha256"),
    ),
}
STRANGER = Ed25519PrivateKey.generate()
WRONG: dict[str, Claims] = {
    "expired": {"exp": 1_000_000_000},
    "not yet valid": {"nbf": 9_000_000_000},
    "issued in the future": {"iat": 9_000_000_000},
    "of another issuer": {"iss": "somebody"},
    "for another audience": {"aud": ["somebody"]},
    "without an end": {"exp": None},
    "without a workspace": {"workspaceId": None},
    "with a workspace that is none": {"workspaceId": "*"},
    "with two workspaces": {"workspaceId": ["demo", "other"]},
    "with an unknown role": {"role": "ROOT"},
}


def jwk_of(key: Ed25519PrivateKey) -> Claims:
    """Return the public key of *key* as a JWK."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}


def public_bytes(key: LocalKey) -> bytes:
    """Return what everybody may know of *key*."""
    public: Ed25519PublicKey = key.keys()[0].public.key
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_token_is_refused(
    service: Service, client: httpx2.Client, problem: Problem, how: str
) -> None:
    key = open_local_key(read_settings(service.environment).data_dir)
    claims = claims_of(client.headers["authorization"])
    headers = {"Authorization": f"Bearer {FORGED[how](key, claims)}"}
    problem(httpx2.get(service.address + PATH, headers=headers), 401, "UNAUTHORIZED")


ODD: dict[str, Claims] = {
    "half of a surrogate pair in the name": {"name": "Ann \ud800"},
    "half of a surrogate pair in the email": {"email": "ann\udfff@example.com"},
    "half of a surrogate pair in a claim of others": {"org": {"\ud800": "\udfff"}},
}


@pytest.mark.parametrize("how", [*WRONG, *ODD, "as it should be"])
def test_a_signed_token_with_wrong_claims_is_refused(
    service: Service, client: httpx2.Client, problem: Problem, how: str
) -> None:
    data_dir = read_settings(service.environment).data_dir
    private = load_pem_private_key((data_dir / "token-key.pem").read_bytes(), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    claims = claims_of(client.headers["authorization"]) | (WRONG | ODD).get(how, {})
    said = {name: value for name, value in claims.items() if value is not None}
    token = compact({"alg": "EdDSA", "kid": open_local_key(data_dir).kid}, said, private.sign)

    answer = httpx2.get(service.address + PATH, headers={"Authorization": f"Bearer {token}"})

    if how in WRONG:
        problem(answer, 401, "UNAUTHORIZED")
    else:
        assert answer.status_code == 200
