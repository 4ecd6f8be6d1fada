"""How each provider wants its credentials: the header that a request gets."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from time import time

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from integrations_client.errors import CredentialsError, UnknownProviderError
from integrations_client.keys import from_base64url
from integrations_client.lease import Lease
from integrations_client.secret import Secret

Headers = Mapping[str, str]
Scheme = Callable[[Lease, httpx.URL], Headers]
VAPID_SECONDS = 12 * 3600  # RFC 8292, section 2: at most 24 hours


def bearer(lease: Lease, _url: httpx.URL) -> Headers:
    """Return a bearer token, and SendGrid's subuser if the settings name one."""
    headers = {"Authorization": f"Bearer {reveal(lease.api_key, 'apiKey')}"}
    subuser = lease.settings.get("onBehalfOf")
    return {**headers, "On-Behalf-Of": str(subuser)} if subuser else headers


def basic(lease: Lease, _url: httpx.URL) -> Headers:
    """Return the key and its secret as user and password (RFC 7617)."""
    pair = f"{reveal(lease.api_key, 'apiKey')}:{reveal(lease.api_secret, 'apiSecret')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def elastic_email(lease: Lease, _url: httpx.URL) -> Headers:
    """Return Elastic Email's own header."""
    return {"X-ElasticEmail-ApiKey": reveal(lease.api_key, "apiKey")}


def vapid(lease: Lease, url: httpx.URL) -> Headers:
    """Return a token for the push service of *url* (RFC 8292)."""
    try:
        scalar = from_base64url(reveal(lease.vapid_private_key, "vapidPrivateKey").rstrip("="))
        key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    except ValueError:
        message = "vapidPrivateKey is no key of a VAPID pair"
        raise CredentialsError(message) from None
    origin = f"{url.scheme}://{url.netloc.decode()}"
    claims = {"aud": origin, "exp": int(time()) + VAPID_SECONDS}
    contact = lease.settings.get("contact")
    token = jwt.encode({**claims, "sub": contact} if contact else claims, key, algorithm="ES256")
    return {"Authorization": f"vapid t={token}, k={lease.vapid_public_key}"}


SCHEMES: Mapping[str, Scheme] = {
    "SENDGRID": bearer,
    "ELASTIC_EMAIL": elastic_email,
    "TWILIO": basic,
    "NEXMO": basic,
    "WEB_PUSH": vapid,
}


def provider_headers(lease: Lease, url: httpx.URL) -> Headers:
    """Return the headers that the provider of *lease* wants."""
    scheme = SCHEMES.get(lease.type)
    if scheme is None:
        message = f"no scheme is known for {lease.type}; use lease() and set the header yourself"
        raise UnknownProviderError(message)
    return scheme(lease, url)


def reveal(secret: Secret | None, field: str) -> str:
    """Return the credential *field*; raise CredentialsError if it is not stored."""
    if secret is None:
        message = f"the integration has no {field}"
        raise CredentialsError(message)
    return secret.reveal()
