"""A delivery worker: it leases from a service, and opens what it gets."""

import json
import ssl
import time
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.secrets.lease import SUITE, lease_info
from app.tokens.jwt import base64url, sign
from app.tokens.local_key import open_local_key
from app.tokens.principal import RESOLVE
from app.tokens.thumbprint import thumbprint
from tests.support.hpke import LOW_ORDER
from tests.support.service import Service

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loads no certificates, which takes long


class Worker:
    """A worker with a key of its own, and a client whose token names it; close the client."""

    def __init__(self, service: Service, workspace: str) -> None:
        self.key = X25519PrivateKey.generate()
        self.jwk = jwk_of(self.key)
        self.workspace = workspace
        self.thumbprint = thumbprint("X25519", self.key.public_key().public_bytes_raw())
        self.client = client_with(
            service, workspaceId=workspace, permissions=[RESOLVE], cnf={"jwk": self.jwk}
        )

    @property
    def pem(self) -> str:
        """The private key, as `integrations worker-key` writes it."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def lease(self, integration: str, **more: Any) -> httpx2.Response:
        """Ask for a lease of *integration*."""
        return self.client.post(f"/en/api/integration/{integration}/lease", **more)

    def open(self, response: httpx2.Response) -> dict[str, Any]:
        """Return the content of the lease in *response*; its signature is not looked at."""
        claims = claims_of(response)
        info = lease_info(
            self.workspace, claims["integrationId"], claims["version"], self.thumbprint
        )
        return json.loads(SUITE.decrypt(sealed_in(claims), self.key, info))


def claims_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the claims of the lease in *response*."""
    assert response.status_code == 200, response.text
    lease = response.json()["result"]["data"]["lease"]
    return jwt.decode(lease, options={"verify_signature": False})


def sealed_in(claims: dict[str, Any]) -> bytes:
    """Return the encapsulated key and the ciphertext in *claims*."""
    return urlsafe_b64decode(claims["sealed"] + "==")


def jwk_of(key: X25519PrivateKey) -> dict[str, str]:
    """Return the public half of *key*, as a token names it."""
    return {"kty": "OKP", "crv": "X25519", "x": base64url(key.public_key().public_bytes_raw())}


def client_with(service: Service, **claims: object) -> httpx2.Client:
    """Return a client whose token has *claims*, signed by the service's own key; close it."""
    folder = Path(service.environment["INTEGRATIONS_DATA_DIR"])
    key = load_pem_private_key((folder / "token-key.pem").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    now = int(time.time())
    usual = {"iss": "integrations", "aud": "integrations", "sub": "worker-1", "exp": now + 3600}
    token = sign({**usual, **claims}, key, open_local_key(folder).kid)
    return httpx2.Client(
        base_url=service.address,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        verify=NO_TLS,
        trust_env=False,
    )


PUBLIC = X25519PrivateKey.generate().public_key().public_bytes_raw()
JWK = {"kty": "OKP", "crv": "X25519", "x": base64url(PUBLIC)}
UNUSABLE: dict[str, object] = {  # claims `cnf` that name no key to seal to
    "none": None,
    "a text": "key",
    "a list": [JWK],
    "empty": {},
    "a thumbprint alone": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
    "no jwk": {"jwk": None},
    "an address of keys": {"jku": "http://127.0.0.1:9/jwks", "kid": "1"},
    "EC": {"jwk": {**JWK, "kty": "EC", "crv": "P-256", "y": base64url(PUBLIC)}},
    "Ed25519": {"jwk": {**JWK, "crv": "Ed25519"}},
    "X448": {"jwk": {**JWK, "crv": "X448", "x": base64url(bytes(56))}},
    "a private key": {"jwk": {**JWK, "d": base64url(PUBLIC)}},
    "31 bytes": {"jwk": {**JWK, "x": base64url(PUBLIC[:31])}},
    "33 bytes": {"jwk": {**JWK, "x": base64url(PUBLIC + b"1")}},
    "padding": {"jwk": {**JWK, "x": base64url(PUBLIC) + "="}},
    "no base64": {"jwk": {**JWK, "x": "!" * 43}},
    "other digits": {"jwk": {**JWK, "x": "\u0661" * 43}},
    "a number": {"jwk": {**JWK, "x": 7}},
    **{
        f"a point of low order, {number}": {"jwk": {**JWK, "x": base64url(point)}}
        for number, point in enumerate(LOW_ORDER, 1)
    },
}
