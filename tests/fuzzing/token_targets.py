"""Bearer tokens and the documents of keys that verify them."""

import time
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.tokens.errors import JwksError, TokenKeyError, UnauthorizedError
from app.tokens.jwks import select_keys
from app.tokens.jwks_url import validate_url
from app.tokens.jwt import SIGNATURES, decode_header
from app.tokens.local_key import LocalKey
from app.tokens.principal import PERMISSIONS
from app.tokens.private_key_file import generate_pem, parse_private_key
from app.tokens.verifier import TokenVerifier
from tests.fuzzing.target import Target, require

PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = LocalKey(PRIVATE_KEY)
VERIFIER = TokenVerifier(KEY, "integrations", "integrations")
TOKEN = KEY.issue(
    workspace="demo",
    subject="user-1",
    ttl=10**9,
    issuer="integrations",
    audience="integrations",
    now=time.time(),
    role="ADMIN",
).encode()
CLAIMS = (
    b'{"iss":"integrations","aud":["integrations"],"sub":"u","exp":99999999999,"nbf":1.5,"iat":1,'
    b'"workspaceId":"demo","permissions":["integrations:view"],"name":"Zo\xc3\xab"}'
)
HEADER = TOKEN.partition(b".")[0]
ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
P256 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "alg": "ES256",
}
RSA = {"kty": "RSA", "n": "u" * 342 + "w", "e": "AQAB", "kid": "r"}


def read_authorization(data: bytes) -> None:
    """Read the header Authorization, as it comes from the wire."""
    principal = VERIFIER.verify(data.decode("latin-1"))
    require(principal.workspace == "demo", "nobody but the signer says who asks")


def read_claims(data: bytes) -> None:
    """Read the claims of a token that was signed by a trusted key."""
    signed = SIGNATURES.encode(data, PRIVATE_KEY, algorithm="EdDSA", headers={"kid": KEY.kid})
    principal = VERIFIER.verify(f"Bearer {signed}")
    require(principal.permissions <= PERMISSIONS, "nobody may what there is not")


def read_header(data: bytes) -> None:
    """Read a token's header."""
    decode_header(f"{data.decode('latin-1')}.e30.c2ln")


def read_jwks_address(data: bytes) -> None:
    """Read the address of a JWKS."""
    validate_url(data.decode(errors="replace"))


TARGETS = (
    Target(
        name="authorization",
        read=read_authorization,
        refusals=(UnauthorizedError,),
        examples=(b"Bearer " + TOKEN, b"bearer  " + TOKEN, b"Basic dTpw"),
        words=(b".", b"eyJhbGciOiJub25lIn0", b"=", b"Bearer "),
        known=("Authorization: Bearer header",),
    ),
    Target(
        name="claims",
        read=read_claims,
        refusals=(UnauthorizedError,),
        examples=(CLAIMS,),
        words=(b'"role":"ADMIN"', b'"exp":', b'"nbf":'),
    ),
    Target(
        name="token-header",
        read=read_header,
        refusals=(UnauthorizedError,),
        examples=(HEADER,),
        words=(b"eyJhbGciOiJub25lIn0",),
    ),
    Target(
        name="jwks",
        read=select_keys,
        refusals=(JwksError,),
        examples=(
            msgspec.json.encode({"keys": [ED25519, P256]}),
            msgspec.json.encode({"keys": [RSA]}),
        ),
        words=(b'"d":"AQAB"', b'"kty":"oct"', b'"key_ops":["verify"]'),
    ),
    Target(
        name="jwks-address",
        read=read_jwks_address,
        refusals=(JwksError,),
        examples=(b"https://issuer.example:8443/jwks.json?a=b#c", b"http://[::1]/k"),
        words=(b"@", b":", b"[", b"//", b"%"),
    ),
    Target(
        name="token-key",
        read=lambda data: parse_private_key(
            Ed25519PrivateKey, data, Path("token-key.pem"), "token key"
        ),
        refusals=(TokenKeyError,),
        examples=(generate_pem(Ed25519PrivateKey),),
        known=("token-key.pem", "PRIVATE KEY-----"),
    ),
)
