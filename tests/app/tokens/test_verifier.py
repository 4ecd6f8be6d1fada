"""Which tokens are let in, and why a token is refused."""

import json

import pytest

from app.tokens.errors import MissingTokenError, UnauthorizedError
from app.tokens.jwks import select_keys
from app.tokens.jwt import decode_header
from app.tokens.verifier import (
    TokenVerifier,
    candidate_keys,
    verify_with_any,
)
from tests.app.tokens.conftest import CANARY, Forge, Json, Refusal, Signer, Token


# ----- What is let in -----
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_token_of_each_algorithm_identifies_the_caller(
    verifier: TokenVerifier, token: Token, algorithm: str
) -> None:
    assert verifier.verify(f"Bearer {token(algorithm)}") == CANARY


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_is_read_as_http_says(
    verifier: TokenVerifier, token: Token, scheme: str
) -> None:
    assert verifier.verify(scheme + token()) == CANARY


def test_one_of_several_audiences_is_enough(verifier: TokenVerifier, token: Token) -> None:
    assert verifier.verify(f"Bearer {token(aud=['other', 'integrations'])}") == CANARY


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_token_without_kid_is_tried_with_the_keys_that_fit(
    verifier: TokenVerifier, forge: Forge, claims: Json, signers: dict[str, Signer], algorithm: str
) -> None:
    unnamed = forge({"alg": algorithm}, claims, signers[algorithm])
    assert verifier.verify(f"Bearer {unnamed}") == CANARY


@pytest.mark.parametrize("changes", [{"exp": -59.0}, {"nbf": 60.0}, {"iat": 60.0}])
def test_clocks_may_differ_by_a_minute(
    verifier: TokenVerifier, token: Token, now: list[float], changes: dict[str, float]
) -> None:
    shifted = {claim: now[0] + seconds for claim, seconds in changes.items()}
    assert verifier.verify(f"Bearer {token(**shifted)}").actor == CANARY.actor


# ----- Names of algorithms and types -----
@pytest.mark.parametrize("of_key", ["EdDSA", "Ed25519", None])
@pytest.mark.parametrize("of_token", ["EdDSA", "Ed25519"])
def test_ed25519_has_two_names(
    jwks: list[Json], forge: Forge, signers: dict[str, Signer], of_key: str | None, of_token: str
) -> None:
    """pyjwt#1190: RFC 9864 names EdDSA with this curve Ed25519."""
    keys = select_keys(json.dumps({"keys": [{**jwks[0], "alg": of_key}]}).encode()).keys
    token = forge({"alg": of_token, "kid": "EdDSA"}, {}, signers["EdDSA"])
    assert verify_with_any(token, candidate_keys(decode_header(token), keys)) == b"{}"


def test_a_token_by_the_other_name_of_ed25519_is_taken(
    verifier: TokenVerifier, forge: Forge, claims: Json, signers: dict[str, Signer]
) -> None:
    token = forge({"alg": "Ed25519", "kid": "EdDSA"}, claims, signers["EdDSA"])
    assert verifier.verify(f"Bearer {token}") == CANARY


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"typ": None},
        *({"typ": typ} for typ in ("JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "application/at+jwt")),
        *({"typ": typ} for typ in ("application/jwt", "Application/AT+JWT")),
    ],
    ids=str,
)
def test_a_token_of_our_types_is_taken(
    verifier: TokenVerifier, forge: Forge, claims: Json, signers: dict[str, Signer], header: Json
) -> None:
    token = forge({"alg": "EdDSA", "kid": "EdDSA"} | header, claims, signers["EdDSA"])
    assert verifier.verify(f"Bearer {token}") == CANARY


@pytest.mark.parametrize(
    "typ",
    ["logout+jwt", "dpop+jwt", "JOSE", "", "jwt ", "at+jwt\n", "application/", "x/at+jwt", "ID"],
)
def test_a_token_of_another_type_is_refused(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer], typ: str
) -> None:
    header: Json = {"alg": "EdDSA", "kid": "EdDSA", "typ": typ}
    assert refusal("Bearer " + forge(header, claims, signers["EdDSA"])) == (
        "The token's typ is neither JWT nor at+jwt."
    )


# ----- Why a token is refused, and of whom it is -----
REASONS: dict[str, tuple[Json, str]] = {
    "another issuer": ({"iss": "https://canary.test"}, "issuer"),
    "another audience": ({"aud": "canary"}, "audience"),
    "expired": ({"exp": 1}, "expired"),
    "without an end": ({"exp": None}, "no_expiry"),
    "not yet valid": ({"nbf": 1e12}, "not_yet_valid"),
    "issued in the future": ({"iat": 1e12}, "not_yet_valid"),
    "an end that is text": ({"exp": "1"}, "malformed"),
    "no workspace": ({"workspaceId": None}, "workspace"),
    "a malformed workspace": ({"workspaceId": "a b"}, "workspace"),
    "no permissions and no role": ({"role": None}, "permissions"),
    "an unknown role": ({"role": "OWNER"}, "permissions"),
    "permissions that are no list": ({"permissions": "all"}, "permissions"),
}


@pytest.mark.parametrize(("changes", "reason"), REASONS.values(), ids=REASONS)
def test_a_refusal_says_why_and_who_asked(
    verifier: TokenVerifier, token: Token, changes: Json, reason: str
) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        verifier.verify("Bearer " + token(**changes))
    assert (refused.value.reason, refused.value.subject) == (reason, "canary-sub")


@pytest.mark.parametrize("sub", [None, "", " ", 1, "a\nb", "a\u202eb", "a" * 256])
def test_a_subject_that_is_not_plain_is_the_reason_and_not_repeated(
    verifier: TokenVerifier, token: Token, sub: object
) -> None:
    for changes, reason in ({}, "subject"), ({"exp": 1}, "expired"):
        with pytest.raises(UnauthorizedError) as refused:
            verifier.verify("Bearer " + token(sub=sub, **changes))
        assert (refused.value.reason, refused.value.subject) == (reason, None)


UNPROVED: dict[str, tuple[Json, str]] = {
    "algorithm": ({"alg": "HS256"}, "algorithm"),
    "type": ({"typ": "logout+jwt"}, "type"),
    "crit": ({"crit": ["b64"]}, "critical_header"),
    "key": ({"kid": "another"}, "unknown_key"),
    "signature": ({"kid": "RS256"}, "signature"),
    "form": ({"kid": 1}, "malformed"),
}


@pytest.mark.parametrize(("header", "reason"), UNPROVED.values(), ids=UNPROVED)
def test_nobody_is_known_by_a_token_that_is_not_proved(  # noqa: PLR0913, PLR0917 — fixtures
    verifier: TokenVerifier,
    forge: Forge,
    claims: Json,
    signers: dict[str, Signer],
    header: Json,
    reason: str,
) -> None:
    token = forge({"alg": "EdDSA", "kid": "EdDSA"} | header, claims, signers["EdDSA"])
    with pytest.raises(UnauthorizedError) as refused:
        verifier.verify(f"Bearer {token}")
    assert (refused.value.reason, refused.value.subject) == (reason, None)


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "no_token"),
        ("Basic dTpw", "no_token"),
        ("Bearer ", "no_token"),
        ("Bearer a.b", "malformed"),
        ("Bearer a.b.", "malformed"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "algorithm"),  # {"alg":"none"}
        ("Bearer eyJhbGciOiJFZERTQSIsImtpZCI6IkVkRFNBIn0.e30.", "signature"),  # EdDSA, unsigned
        ("Bearer " + "a" * 9000, "too_long"),
    ],
)
def test_a_missing_token_is_another_refusal_than_a_wrong_one(
    verifier: TokenVerifier, authorization: str | None, reason: str
) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        verifier.verify(authorization)
    assert refused.value.reason == reason
    assert isinstance(refused.value, MissingTokenError) is (reason == "no_token")
