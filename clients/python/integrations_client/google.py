"""The access token that FCM wants, for the service account in a lease (RFC 7523)."""

import json
from contextlib import suppress
from time import monotonic, time
from typing import NamedTuple

import httpx
import jwt
from jwt.exceptions import PyJWTError

from integrations_client.errors import CredentialsError
from integrations_client.json_values import as_object, decode_object
from integrations_client.lease import Lease
from integrations_client.schemes import reveal

# The JSON's own token_uri is never used: its author would choose where the assertion goes.
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 — an address
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
ASSERTION_SECONDS = 300
MARGIN = 60.0  # seconds before its end at which a token is no longer used


class AccessToken(NamedTuple):
    """A token of Google's for the credentials of one lease, until `end` of the monotonic clock."""

    lease: Lease
    text: str
    end: float

    def serves(self, lease: Lease) -> bool:
        """Return whether the token is of the same credentials as *lease*, and not over."""
        same = self.lease.credentials == lease.credentials
        return same and self.lease.integration_id == lease.integration_id and monotonic() < self.end

    def __repr__(self) -> str:
        """Show no token."""
        return "<AccessToken>"


def token_request(lease: Lease) -> httpx.Request:
    """Return the request for an access token; raise CredentialsError if *lease* cannot make it."""
    assertion = sign_assertion(lease)
    if assertion is None:  # raised here, where no local variable holds the account
        message = "apiKey is not the JSON of a service account, as Google makes it"
        raise CredentialsError(message)
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return httpx.Request("POST", TOKEN_URL, data={"grant_type": grant, "assertion": assertion})


def sign_assertion(lease: Lease) -> str | None:
    """Return what the service account in *lease* signs; None if it is no service account."""
    with suppress(KeyError, ValueError, TypeError, PyJWTError):
        account = as_object(json.loads(reveal(lease.api_key, "apiKey"), strict=False))
        now = int(time())
        claims = {
            "iss": account["client_email"],
            "scope": SCOPE,
            "aud": TOKEN_URL,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        return jwt.encode(claims, str(account["private_key"]), algorithm="RS256")
    return None


def parse_token(lease: Lease, response: httpx.Response) -> AccessToken:
    """Return the token in *response*; raise CredentialsError if Google refuses."""
    body = decode_object(response.content)
    token, seconds = body.get("access_token"), body.get("expires_in")
    if not response.is_success or not isinstance(token, str):
        message = f"Google gives no access token ({response.status_code} {body.get('error', '')})"
        raise CredentialsError(message)
    lifetime = seconds if isinstance(seconds, int) else 0
    return AccessToken(lease, token, monotonic() + lifetime - MARGIN)
