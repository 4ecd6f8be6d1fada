import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.tokens.errors import JwksError
from app.tokens.jwks import select_keys

Json = dict[str, object]


def test_keys_of_the_three_kinds_are_taken(jwks: list[Json]) -> None:
    usable = select_keys(json.dumps({"keys": jwks}).encode())
    assert [(key.kid, key.algorithm) for key in usable.keys] == [
        ("EdDSA", "EdDSA"),
        ("ES256", "ES256"),
        ("RS256", "RS256"),
    ]
    assert usable.skipped == ()


def test_a_file_may_begin_with_a_byte_order_mark(jwks: list[Json]) -> None:
    """PowerShell and editors of Windows write one."""
    document = json.dumps({"keys": jwks}).encode("utf-8-sig")
    assert len(select_keys(document).keys) == 3


def test_alg_use_and_operations_that_fit_are_fine(jwks: list[Json]) -> None:
    told = [{**key, "alg": key["kid"], "use": "sig", "key_ops": ["verify"]} for key in jwks]
    assert len(select_keys(json.dumps({"keys": told}).encode()).keys) == 3


def test_ed25519_has_two_names(jwks: list[Json]) -> None:
    named = {**jwks[0], "alg": "Ed25519"}
    [key] = select_keys(json.dumps({"keys": [named]}).encode()).keys
    assert key.algorithm == "EdDSA"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"alg": "RS256"}, "its alg is not EdDSA"),
        ({"alg": "HS256"}, "its alg is not EdDSA"),
        ({"use": "enc"}, "it is not meant for verifying signatures"),
        ({"key_ops": ["sign"]}, "it is not meant for verifying signatures"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "it is none of Ed25519, P-256 and RSA"),
        ({"crv": "Ed448"}, "it is none of Ed25519, P-256 and RSA"),
        ({"crv": "X25519"}, "it is none of Ed25519, P-256 and RSA"),
        ({"crv": None}, "it is none of Ed25519, P-256 and RSA"),
        ({"kty": None}, "it is no JWK"),
        ({"kid": 1}, "it is no JWK"),
        ({"x": None}, "its numbers are not a public key"),
        ({"x": "AAAA"}, "its numbers are not a public key"),
        ({"x": "é"}, "its numbers are not a public key"),
    ],
)
def test_a_key_that_is_not_for_us_is_skipped_with_its_reason(
    jwks: list[Json], changes: Json, reason: str
) -> None:
    usable = select_keys(json.dumps({"keys": [jwks[1], jwks[0] | changes]}).encode())
    assert [key.kid for key in usable.keys] == ["ES256"]
    assert usable.skipped == (f"key 2 is skipped: {reason}",)


def test_a_key_with_bytes_that_are_no_text_is_skipped(jwks: list[Json]) -> None:
    document = json.dumps({"keys": [jwks[0], jwks[1] | {"note": "n"}]}).encode()
    usable = select_keys(document.replace(b'"n"}', b'"\xff"}'))
    assert [key.kid for key in usable.keys] == ["EdDSA"]
    assert usable.skipped == ("key 2 is skipped: it is no JWK",)


@pytest.mark.parametrize(
    "private",
    [
        lambda: OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate()),
        lambda: ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())),
        lambda: RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048)),
    ],
)
def test_a_published_private_key_is_not_trusted(private: Callable[[], str]) -> None:
    document = private()
    assert objection(document) == "it is a private key"
    assert objection(document.replace('"key_ops"', '"other"')) == "it is a private key"


@pytest.mark.parametrize(
    "curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()], ids=lambda curve: curve.name
)
def test_other_curves_are_skipped(curve: ec.EllipticCurve) -> None:
    document = ECAlgorithm.to_jwk(ec.generate_private_key(curve).public_key())
    assert objection(document) == "it is none of Ed25519, P-256 and RSA"


def test_a_point_that_is_not_on_the_curve_is_skipped(jwks: list[Json]) -> None:
    moved = json.dumps(jwks[1] | {"x": jwks[1]["y"]})
    assert objection(moved) == "its numbers are not a public key"


def test_rsa_has_at_least_2048_bits() -> None:
    short = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 — it is to be refused
    assert objection(RSAAlgorithm.to_jwk(short)) == "its RSA modulus has not 2048 to 8192 bits"


def test_rsa_with_an_exponent_that_anybody_can_sign_for_is_skipped(jwks: list[Json]) -> None:
    weak = json.dumps(jwks[2] | {"e": "AQ"})
    assert objection(weak) == "its numbers are not a public key"


def test_an_empty_set_is_read_but_cannot_be_required() -> None:
    empty = select_keys(b'{"keys": []}')
    assert empty.keys == ()
    with pytest.raises(JwksError, match=r"^JWKS file: it holds no usable key$"):
        empty.required_from("file")


@pytest.mark.parametrize(
    "document",
    [b"", b"null", b"[]", b"{}", b'{"keys": {}}', b"<html>", b"\xff", b'{"keys": ' + b"[" * 9000],
)
def test_what_is_no_jwks_is_refused(document: bytes) -> None:
    with pytest.raises(JwksError, match="it is no JWKS"):
        select_keys(document)


@pytest.mark.parametrize("member", [b"null", b"1", b"[]", b"{}", b'{"kty":1}'])
def test_a_member_that_is_no_key_is_skipped(member: bytes) -> None:
    assert objection(member.decode()) == "it is no JWK"


def test_size_and_number_are_bounded(jwks: list[Json]) -> None:
    with pytest.raises(JwksError, match="larger than 64 KiB"):
        select_keys(json.dumps({"keys": jwks}).encode().ljust(64 * 1024 + 1))
    with pytest.raises(JwksError, match="more than 64 keys"):
        select_keys(json.dumps({"keys": [jwks[0]] * 65}).encode())
    assert len(select_keys(json.dumps({"keys": [jwks[0]] * 64}).encode()).keys) == 64


def objection(jwk: str) -> str:
    (skipped,) = select_keys(b'{"keys": [' + jwk.encode() + b"]}").skipped
    return skipped.removeprefix("key 1 is skipped: ")
