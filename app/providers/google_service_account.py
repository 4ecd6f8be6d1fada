"""The JSON of a Google service account, and what it signs to get an access token (RFC 7523)."""

import json
import re
from textwrap import wrap
from typing import Annotated, Literal, cast
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Meta, Struct

from app.pasted_text import trim
from app.providers.errors import InvalidServiceAccountError
from app.secrets.secret import Secret
from app.tokens.jwt import base64url
from app.wrappings import readings

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFETIME = 300  # seconds that an assertion may be used; Google allows 3,600


DECODER = json.JSONDecoder(strict=False)  # takes line breaks within a string, as they are pasted
ESCAPED_LINE_BREAK = re.compile(r"\\+[nr]")
PEM = re.compile(r"-----BEGIN ([A-Z ]{1,30})-----([^-]*)-----END \1-----")


class ServiceAccountFile(Struct, frozen=True):
    """What we need of the JSON; its addresses are not among it, as we never follow them.

    The bound on the private key is that of 2,048 bits, which is what Google makes: larger ones
    would take our time.
    """

    type: Literal["service_account"]
    project_id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.:-]{0,99}$")]
    client_email: Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,254}$")]
    private_key: Annotated[str, Meta(max_length=2_000)]

    def __repr__(self) -> str:
        return "ServiceAccountFile(…)"


def parse_account(pasted: Secret) -> ServiceAccountFile:
    """Return the service account in *pasted*: its JSON as it is, in quotes, escaped or in base64.

    Raises:
        InvalidServiceAccountError: this is no JSON, or not that of a service account.
    """
    try:
        for reading in readings(trim(pasted.reveal().decode())):
            if account := try_parse_account(reading):
                return account
    except UnicodeDecodeError:
        pass
    raise InvalidServiceAccountError


def is_incomplete_account(text: str) -> bool:
    """Return whether *text* speaks of a service account and lacks what a check needs of it.

    The private key is looked at for its form alone: to load it takes long.
    """
    if not any('"service_account"' in reading for reading in readings(trim(text))):
        return False
    try:
        return not PEM.search(parse_account(Secret(text.encode())).private_key)
    except InvalidServiceAccountError:
        return True


def try_parse_account(text: str) -> ServiceAccountFile | None:
    """Return the service account that *text* begins with; None if it begins with none."""
    try:
        value, _ = DECODER.raw_decode(text)
        if not isinstance(value, dict):
            return None
        members = cast("dict[str, object]", value)
        key = members.get("private_key")
        pem = {"private_key": repair_pem(key)} if isinstance(key, str) else {}
        return msgspec.convert(members | pem, ServiceAccountFile)
    except (ValueError, RecursionError):  # msgspec's errors repeat values, and are ValueErrors
        return None


def repair_pem(text: str) -> str:
    """Return a PEM with line breaks where they belong: tools escape them, or make them spaces."""
    found = PEM.search(ESCAPED_LINE_BREAK.sub("\n", text))
    if not found:
        return text
    label, body = found[1], "".join(found[2].split())
    return "\n".join([f"-----BEGIN {label}-----", *wrap(body, 64), f"-----END {label}-----", ""])


def token_request(account: ServiceAccountFile, *, audience: str, scope: str, now: int) -> bytes:
    """Return the form that requests *scope* from the token endpoint *audience*; *now* is Unix time.

    It takes some 80 ms: the key is proved to be one.

    Raises:
        InvalidServiceAccountError: the private key is no RSA key of 2,048 bits at most.
    """
    claims = {
        "iss": account.client_email,
        "scope": scope,
        "aud": audience,
        "iat": now,
        "exp": now + ASSERTION_LIFETIME,
    }
    signed = f"{jws_part({'alg': 'RS256', 'typ': 'JWT'})}.{jws_part(claims)}"
    signature = private_key(account).sign(signed.encode(), PKCS1v15(), SHA256())
    return urlencode(
        {"grant_type": GRANT_TYPE, "assertion": f"{signed}.{base64url(signature)}"}
    ).encode()


def private_key(account: ServiceAccountFile) -> RSAPrivateKey:
    """Return the private key of *account*; raise InvalidServiceAccountError if it is none."""
    try:
        key = load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        raise InvalidServiceAccountError from None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidServiceAccountError
    return key


def jws_part(value: object) -> str:
    """Return *value* as a part of a compact JWS (RFC 7515, 3.1)."""
    return base64url(msgspec.json.encode(value))
