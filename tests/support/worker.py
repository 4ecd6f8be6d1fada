"""A delivery worker: it leases from a service, and opens what it gets."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.secrets.lease import SUITE, lease_info
from app.tokens.jwt import base64url
from app.tokens.recipient import thumbprint

Service = Any  # that of tests/conftest.py, which cannot be imported
RESOLVE = ("--permission", "integrations:resolve")


class Worker:
    """A worker with a key of its own, and a client whose token names it; close the client."""

    def __init__(self, service: Service, workspace: str) -> None:
        self.key = X25519PrivateKey.generate()
        public = self.key.public_key().public_bytes_raw()
        self.workspace = workspace
        self.thumbprint = thumbprint(public)
        self.client: httpx2.Client = service.client(
            *RESOLVE, "--subject", "worker-1", "--recipient", base64url(public), workspace=workspace
        )

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
