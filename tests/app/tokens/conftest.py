"""Real keys, real tokens of every kind, a real JWKS file, and a clock that stands still."""

import json
import traceback
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.tokens.errors import UnauthorizedError
from app.tokens.jwks_file import JwksFile
from app.tokens.principal import ROLES, Principal
from app.tokens.verifier import TokenVerifier
from domain.envelope import Actor

Signer = Callable[[bytes], bytes]
Json = dict[str, object]
Forge = Callable[[Json | bytes, Json | bytes, Signer], str]
Token = Callable[..., str]
Refusal = Callable[[str | None], str]
CANARY = Principal(
    Actor(sub="canary-sub", name="Canary Bird", email="canary@example.com"),
    "canary_ws-1",
    ROLES["ADMIN"],
    1_800_000_600.0,
)
SIGNATURE = "The token's signature is not by a key that we trust."
NO_JWT = "The token is not a JWT."
NO_ALGORITHM = "The token is not signed with EdDSA, ES256 or RS256."
NO_BEARER = "The request has no Authorization: Bearer header."
EXPIRED = "The token has expired."


@pytest.fixture(scope="session")
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def signers(
    ed_key: ed25519.Ed25519PrivateKey,
    ec_key: ec.EllipticCurvePrivateKey,
    rsa_key: rsa.RSAPrivateKey,
) -> dict[str, Signer]:
    def es256(data: bytes) -> bytes:
        r, s = decode_dss_signature(ec_key.sign(data, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def rs256(data: bytes) -> bytes:
        return rsa_key.sign(data, padding.PKCS1v15(), SHA256())

    return {"EdDSA": ed_key.sign, "ES256": es256, "RS256": rs256}


@pytest.fixture(scope="session")
def jwks(
    ed_key: ed25519.Ed25519PrivateKey,
    ec_key: ec.EllipticCurvePrivateKey,
    rsa_key: rsa.RSAPrivateKey,
) -> list[Json]:
    """The public keys, under the names of their algorithms."""
    return [
        {**OKPAlgorithm.to_jwk(ed_key.public_key(), as_dict=True), "kid": "EdDSA"},
        {**ECAlgorithm.to_jwk(ec_key.public_key(), as_dict=True), "kid": "ES256"},
        {**RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True), "kid": "RS256"},
    ]


@pytest.fixture
def jwks_path(tmp_path: Path, jwks: list[Json]) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": jwks}))
    return path


@pytest.fixture
def now() -> list[float]:
    """The time, in seconds; tests move it."""
    return [1_800_000_000.0]


@pytest.fixture
def claims(now: list[float]) -> Json:
    return {
        "iss": "https://issuer.test",
        "aud": "integrations",
        "exp": now[0] + 600,
        "iat": now[0],
        "sub": "canary-sub",
        "name": "Canary Bird",
        "email": "canary@example.com",
        "workspaceId": "canary_ws-1",
        "role": "ADMIN",
    }


def segment(content: Json | bytes) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def forge() -> Callable[[Json | bytes, Json | bytes, Signer], str]:
    """Builds a compact token of any header, payload and signature, by hand."""

    def build(header: Json | bytes, payload: Json | bytes, sign: Signer) -> str:
        signed = f"{segment(header)}.{segment(payload)}"
        return f"{signed}.{segment(sign(signed.encode()))}"

    return build


@pytest.fixture
def token(
    forge: Callable[[Json | bytes, Json | bytes, Signer], str],
    signers: dict[str, Signer],
    claims: Json,
) -> Callable[..., str]:
    """Builds a well-signed token; keywords change its claims, None takes one out."""

    def build(algorithm: str = "EdDSA", **changes: object) -> str:
        changed = {name: value for name, value in (claims | changes).items() if value is not None}
        return forge({"alg": algorithm, "kid": algorithm}, changed, signers[algorithm])

    return build


@pytest.fixture
def token_naming(
    forge: Callable[[Json | bytes, Json | bytes, Signer], str],
    signers: dict[str, Signer],
    claims: Json,
) -> Callable[[str], str]:
    """Builds a well-signed EdDSA token that names the `kid`."""
    return lambda kid: forge({"alg": "EdDSA", "kid": kid}, claims, signers["EdDSA"])


@pytest.fixture(scope="session")
def public_forms(ed_key: ed25519.Ed25519PrivateKey, rsa_key: rsa.RSAPrivateKey) -> list[bytes]:
    """The public keys in each form that somebody may take for a shared secret."""
    public_keys = (ed_key.public_key(), rsa_key.public_key())
    info = PublicFormat.SubjectPublicKeyInfo
    return [
        *(key.public_bytes(Encoding.PEM, info) for key in public_keys),
        *(key.public_bytes(Encoding.PEM, info).strip() for key in public_keys),
        *(key.public_bytes(Encoding.DER, info) for key in public_keys),
        ed_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
    ]


@pytest.fixture
def verifier(jwks_path: Path, now: list[float]) -> TokenVerifier:
    keys = JwksFile(jwks_path, clock=lambda: now[0])
    return TokenVerifier(keys, "https://issuer.test", "integrations", clock=lambda: now[0])


@pytest.fixture
def refusal(verifier: TokenVerifier) -> Callable[[str | None], str]:
    """Sends an Authorization header that must be refused, and returns why it was.

    Whatever could be logged of the refusal, chained errors too, must hold nothing of the token.
    """

    def refuse(authorization: str | None) -> str:
        with pytest.raises(UnauthorizedError) as raised:
            verifier.verify(authorization)
        told = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
        assert "canary" not in told.lower()
        assert raised.value.__context__ is None
        parts = [part for part in (authorization or "").split(".") if len(part) > 8]
        assert not [part for part in parts if part in told]
        return str(raised.value)

    return refuse
