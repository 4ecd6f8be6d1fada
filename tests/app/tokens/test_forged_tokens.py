"""Tokens that a stranger signed, changed or made without a key."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.tokens.errors import UnknownKeyError
from app.tokens.jwks import select_keys
from app.tokens.jwt import Header
from app.tokens.verifier import (
    TokenVerifier,
    candidate_keys,
)
from tests.app.tokens.conftest import (
    CANARY,
    NO_ALGORITHM,
    NO_JWT,
    SIGNATURE,
    Forge,
    Json,
    Refusal,
    Signer,
    Token,
)


def test_a_token_signed_by_a_stranger_is_refused(
    refusal: Refusal, forge: Forge, claims: Json
) -> None:
    stranger = ed25519.Ed25519PrivateKey.generate()
    assert refusal("Bearer " + forge({"alg": "EdDSA"}, claims, stranger.sign)) == SIGNATURE


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_changed_claims_or_signature_are_refused(
    refusal: Refusal, token: Token, algorithm: str
) -> None:
    header, payload, signature = token(algorithm).split(".")
    other = token(algorithm, workspaceId="canary_ws-2").split(".")[1]
    flipped = ("B" if signature[9] == "A" else "A").join((signature[:9], signature[10:]))
    assert refusal(f"Bearer {header}.{other}.{signature}") == SIGNATURE
    assert refusal(f"Bearer {header}.{payload}.{flipped}") == SIGNATURE
    assert refusal(f"Bearer {header}.{payload}.{signature[:-8]}") == SIGNATURE


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 1, ["EdDSA"]])
def test_an_unsigned_token_is_refused(
    refusal: Refusal, forge: Forge, claims: Json, alg: object
) -> None:
    unsigned = forge({"alg": alg, "kid": "EdDSA"}, claims, lambda _: b"")
    reason = NO_ALGORITHM if isinstance(alg, str) else NO_JWT
    assert refusal("Bearer " + unsigned) == reason
    assert refusal("Bearer " + unsigned + "AAAA") == reason


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "EdDSA", "RS256"])
def test_a_public_key_is_no_shared_secret(
    refusal: Refusal, forge: Forge, claims: Json, public_forms: list[bytes], alg: str
) -> None:
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(alg, "sha256")
    for secret in public_forms:
        sign = partial(hmac.digest, secret, digest=digest)
        assert refusal("Bearer " + forge({"alg": alg, "kid": "EdDSA"}, claims, sign))
        assert refusal("Bearer " + forge({"alg": alg, "kid": "RS256"}, claims, sign))


def test_a_key_verifies_its_own_algorithm_only(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer]
) -> None:
    for alg, kid in [("EdDSA", "RS256"), ("ES256", "EdDSA"), ("RS256", "ES256")]:
        assert refusal("Bearer " + forge({"alg": alg, "kid": kid}, claims, signers[alg]))


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "ES384", "ES256K", "Ed448", "eddsa"])
def test_other_algorithms_are_refused(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer], alg: str
) -> None:
    assert refusal("Bearer " + forge({"alg": alg}, claims, signers["RS256"])) == NO_ALGORITHM


def test_a_key_in_the_header_is_not_trusted(
    refusal: Refusal, forge: Forge, claims: Json, tmp_path: Path
) -> None:
    stranger = ed25519.Ed25519PrivateKey.generate()
    raw = stranger.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = urlsafe_b64encode(raw).rstrip(b"=").decode()
    jwk: Json = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "EdDSA"}
    served = tmp_path / "stranger.json"
    served.write_text(json.dumps({"keys": [jwk]}))
    hints: list[Json] = [
        {"jwk": jwk},
        {"jku": served.as_uri()},
        {"x5u": served.as_uri()},
        {"x5c": [x]},
        {"jwk": jwk, "kid": str(served)},
        {"jwk": jwk, "kid": "../../dev/null"},
    ]
    for hint in hints:
        refusal("Bearer " + forge({"alg": "EdDSA", "kid": "EdDSA"} | hint, claims, stranger.sign))


def test_a_header_that_says_where_its_key_is_is_harmless_from_the_issuer(
    verifier: TokenVerifier, forge: Forge, claims: Json, signers: dict[str, Signer]
) -> None:
    header: Json = {"alg": "EdDSA", "kid": "EdDSA", "jku": "http://127.0.0.1:1/", "typ": "at+jwt"}
    assert verifier.verify("Bearer " + forge(header, claims, signers["EdDSA"])) == CANARY


@pytest.mark.parametrize("crit", [["b64"], ["exp"], [], None, "b64"])
def test_critical_extensions_are_refused(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer], crit: object
) -> None:
    header: Json = {"alg": "EdDSA", "kid": "EdDSA", "crit": crit, "b64": True, "exp": 1}
    assert (
        refusal("Bearer " + forge(header, claims, signers["EdDSA"]))
        == "The token's header has crit."
    )


def test_an_unknown_kid_has_an_error_of_its_own(
    verifier: TokenVerifier, token_naming: Callable[[str], str]
) -> None:
    with pytest.raises(UnknownKeyError):
        verifier.verify("Bearer " + token_naming("another"))


def test_a_token_without_kid_is_tried_with_few_keys(jwks: list[Json]) -> None:
    unnamed = [{**key, "kid": None} for key in [jwks[0]] * 20 + [jwks[1]]]
    keys = select_keys(json.dumps({"keys": unnamed}).encode()).keys
    assert candidate_keys(Header(alg="EdDSA"), keys) == list(keys[:8])
    assert candidate_keys(Header(alg="ES256", kid="any"), keys) == [keys[20]]
