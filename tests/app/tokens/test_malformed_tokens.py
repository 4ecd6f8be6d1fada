"""Tokens whose times, issuer, claims or form are wrong, and whatever else is sent."""

import json
import string
import time
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.tokens.errors import UnauthorizedError
from app.tokens.local_key import LocalKey
from app.tokens.verifier import (
    TokenVerifier,
)
from tests.app.tokens.conftest import (
    EXPIRED,
    NO_BEARER,
    NO_JWT,
    Forge,
    Json,
    Refusal,
    Signer,
    Token,
)


# ----- Attacks: time, issuer, audience -----
def test_an_expired_token_is_refused(refusal: Refusal, token: Token, now: list[float]) -> None:
    assert refusal("Bearer " + token(exp=now[0] - 60)) == EXPIRED
    assert refusal("Bearer " + token(exp=0)) == EXPIRED


def test_a_token_without_end_is_refused(refusal: Refusal, token: Token) -> None:
    assert refusal("Bearer " + token(exp=None)) == "The token has no exp."


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_the_future_is_refused(
    refusal: Refusal, token: Token, now: list[float], claim: str
) -> None:
    assert refusal("Bearer " + token(**{claim: now[0] + 61})) == (
        f"The token is not valid yet ({claim})."
    )


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["9999999999", True, [9999999999], {}])
def test_a_time_that_is_no_number_is_refused(
    refusal: Refusal, token: Token, claim: str, value: object
) -> None:
    assert refusal("Bearer " + token(**{claim: value})) == f"The token's {claim} is not a number."


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_a_time_beyond_all_numbers_is_far_in_the_future(
    refusal: Refusal, token: Token, verifier: TokenVerifier, claim: str
) -> None:
    far = "Bearer " + token(**{claim: 10**400})

    if claim == "exp":
        assert verifier.verify(far).workspace
    else:
        assert refusal(far) == f"The token is not valid yet ({claim})."


@pytest.mark.parametrize("iss", [None, "", "https://canary.test", ["https://issuer.test"], 1])
def test_another_issuer_is_refused(refusal: Refusal, token: Token, iss: object) -> None:
    assert refusal("Bearer " + token(iss=iss)) == "The token is of another issuer."


@pytest.mark.parametrize("aud", [None, "", "canary", [], ["canary"], {"integrations": 1}, 1])
def test_another_audience_is_refused(refusal: Refusal, token: Token, aud: object) -> None:
    assert refusal("Bearer " + token(aud=aud)) == "The token is for another audience."


# ----- Attacks: claims, form, size -----
def test_claims_are_looked_at(refusal: Refusal, token: Token) -> None:
    assert "workspaceId" in refusal("Bearer " + token(workspaceId=None))
    assert "role" in refusal("Bearer " + token(role="canary"))


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"1", b"null", b"\xff", b'{"exp":1e999}', b"{" * 3000, b'{"a":' + b"[" * 4500],
)
def test_a_signed_payload_that_is_no_object_is_refused(
    refusal: Refusal, forge: Forge, signers: dict[str, Signer], payload: bytes
) -> None:
    refusal("Bearer " + forge({"alg": "EdDSA", "kid": "EdDSA"}, payload, signers["EdDSA"]))


@pytest.mark.parametrize(
    "header",
    [b"", b"[]", b"null", b"\xff", b"canary", b'{"alg":', b'{"a":' * 900, b'{"a":' + b"[" * 5000],
)
def test_a_header_that_is_no_object_is_refused(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer], header: bytes
) -> None:
    assert refusal("Bearer " + forge(header, claims, signers["EdDSA"]))


@pytest.mark.parametrize(
    "authorization",
    [None, "", " ", "Bearer", "Basic Y2FuYXJ5OmNhbmFyeQ==", "Bearers x", "Bearer\tx", "Token x"],
)
def test_another_scheme_is_refused(refusal: Refusal, authorization: str | None) -> None:
    assert refusal(authorization) == NO_BEARER


def test_a_bare_token_is_refused(refusal: Refusal, token: Token) -> None:
    assert refusal(token()) == NO_BEARER
    assert refusal(f"JWT {token()}") == NO_BEARER
    assert refusal(f"Bearer: {token()}") == NO_BEARER


@pytest.mark.parametrize(
    "garbage",
    [
        "canary-canary",
        ".",
        "..",
        "....",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "\x00",
        "é.é.é",
        "\ud800",
    ],
)
def test_garbage_is_refused(refusal: Refusal, garbage: str) -> None:
    assert refusal(f"Bearer {garbage}") == NO_JWT


def test_a_token_has_one_spelling(refusal: Refusal, token: Token) -> None:
    good = token()
    for spelled in (good + "=", good + "==", good + "\n", good.replace(".", ".=", 1), good + " x"):
        assert refusal(f"Bearer {spelled}") == NO_JWT


def test_a_truncated_token_is_refused(refusal: Refusal, token: Token) -> None:
    good = token()
    for length in range(len(good)):
        refusal(f"Bearer {good[:length]}")


def test_a_huge_token_is_refused_unread(refusal: Refusal, token: Token) -> None:
    assert refusal("Bearer " + token(padding="x" * 8192)) == "The token is longer than 8 KiB."
    began = time.thread_time()
    assert refusal("Bearer " + "a" * 10_000_000) == "The token is longer than 8 KiB."
    assert time.thread_time() - began < 1


# ----- Whatever is sent -----
LOCAL = LocalKey(ed25519.Ed25519PrivateKey.generate())


GOOD = LOCAL.issue(
    workspace="ws", subject="s", role="ADMIN", ttl=600, issuer="i", audience="a", now=1000
)


BASE64 = st.text(string.ascii_letters + string.digits + "-_", max_size=60)


def cut_and_pasted(place: int, length: int, pasted: str) -> str:
    return "Bearer " + GOOD[:place] + pasted + GOOD[place + length :]


AUTHORIZATION = st.one_of(
    st.none(),
    st.text(),
    st.text().map("Bearer ".__add__),
    st.tuples(BASE64, BASE64, BASE64).map(lambda parts: "Bearer " + ".".join(parts)),
    st.builds(cut_and_pasted, st.integers(0, len(GOOD)), st.integers(0, 50), st.text() | BASE64),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["EdDSA", LOCAL.kid]),
        lambda inner: st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "x"]), inner),
    ).map(
        lambda header: (
            "Bearer "
            + urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
            + GOOD[GOOD.index(".") :]
        )
    ),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(AUTHORIZATION)
def test_whatever_is_sent_is_refused_or_is_the_good_token(authorization: str | None) -> None:
    verifier = TokenVerifier(LOCAL, "i", "a", clock=lambda: 1000.0)
    try:
        verifier.verify(authorization)
    except UnauthorizedError:
        return
    assert authorization is not None
    assert authorization.removeprefix("Bearer ").strip(" ") == GOOD
