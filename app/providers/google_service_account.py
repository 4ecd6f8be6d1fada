"""The JSON of a Google service account, and what it signs to get an access token (RFC 7523)."""

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
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

from app.pasted_text import INVISIBLES, trim
from app.providers.errors import InvalidServiceAccountError
from app.secrets.secret import Secret
from app.tokens.jwt import base64url
from app.wrappings import readings

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFETIME = 300  # seconds that an assertion may be used; Google allows 3,600

DECODER = json.JSONDecoder(strict=False)  # takes tabs within a string, as they are pasted
# No member has them: terminals break long lines, and web pages hide characters.
NEVER_MEANT = re.compile(rf"[\r\n{INVISIBLES}]")
ACCOUNT_SIGN = re.compile(  # also of Google's own libraries, and in Python
    r"""["'](?:service_account["']|(?:private_key|client_?[eE]mail)["']\s*:)"""
)
INCOMPLETE = (
    "This is not the whole JSON of a service account as Google made it: it needs type, project_id,"
    " client_email and an RSA private_key in PEM, at the top"
)
ESCAPED_LINE_BREAK = re.compile(r"\\+[nr]")
PEM = re.compile(r"-----BEGIN ([A-Z ]{1,30})-----([^-]*)-----END \1-----")
LONG_HEADER = 4  # bytes of a DER sequence of 256 to 65,535 bytes before its content
LONG_PEM = re.compile(r"-----BEGIN (?:RSA )?PRIVATE KEY-----\s*MII")  # other kinds are shorter


class ServiceAccountFile(Struct, frozen=True):
    """What we and those who send need of the JSON; we never follow its token_uri.

    Mail programs and wikis make links of addresses in it. The bound on the private key is that of
    2,048 bits, which is what Google makes: larger ones would take our time.
    """

    type: Literal["service_account"]
    project_id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.:-]{0,99}\Z")]
    client_email: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._+-]{1,127}@[A-Za-z0-9.-]{1,127}\Z")]
    private_key: Annotated[str, Meta(max_length=2_000)]
    token_uri: Annotated[str, Meta(pattern=r"^https?://[^\s<>()\[\]|]{1,500}\Z")] | None = None

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


def read_account(pasted: Secret) -> Secret:
    """Return the service account in *pasted* as plain JSON, which is what a worker can use.

    What is plain JSON already stays as it is, byte for byte, and so does what holds no account.
    """
    for reading in readings(trim(pasted.reveal_text())):
        if members := account_members(reading):
            is_plain = is_json_of(pasted.reveal_text(), members)
            return pasted if is_plain else Secret(encode_members(members))
    return pasted


def is_json_of(text: str, members: Mapping[str, object]) -> bool:
    """Return whether *text* is the JSON of *members* and nothing else."""
    try:
        return json.loads(text) == members
    except (ValueError, RecursionError):
        return False


def encode_members(members: Mapping[str, object]) -> bytes:
    """Return *members* as JSON, in lines as Google writes it."""
    return json.dumps(members, indent=2, ensure_ascii=False).encode()


def mentions_account(read: Iterable[str]) -> bool:
    """Return whether one of *read* says in JSON what only a service account does."""
    return any(ACCOUNT_SIGN.search(reading) for reading in read)


def is_incomplete_account(read: Sequence[str]) -> bool:
    """Return whether *read* speak of a service account and lack what a check needs of it.

    They are the readings of one text. The private key is looked at for its form alone: to load it
    takes long.
    """
    if not mentions_account(read):
        return False
    account = next(filter(None, map(try_parse_account, read)), None)
    if account is None:
        return True
    return not (LONG_PEM.match(account.private_key) and is_whole_pem(account.private_key))


def is_whole_pem(text: str) -> bool:
    """Return whether the PEM *text* holds as many bytes as its DER says (X.690, 8.1.3)."""
    found = PEM.search(text)
    try:
        der = b64decode("".join(found[2].split()), validate=True) if found else b""
    except ValueError:  # of base64, or of characters beyond ASCII
        return False
    return len(der) == LONG_HEADER + int.from_bytes(der[2:LONG_HEADER], "big")


def try_parse_account(text: str) -> ServiceAccountFile | None:
    """Return the service account that *text* begins with; None if it begins with none."""
    members = account_members(text)
    return msgspec.convert(members, ServiceAccountFile) if members else None


def account_members(text: str) -> dict[str, object] | None:
    """Return all members of the service account that *text* begins with; None if with none.

    Of two accounts in one text nobody knows which is meant.
    """
    shown = NEVER_MEANT.sub("", text)
    try:
        value, end = DECODER.raw_decode(shown)
        if not isinstance(value, dict) or ACCOUNT_SIGN.search(shown, end):
            return None
        members = cast("dict[str, object]", value)
        key = members.get("private_key")
        if isinstance(key, str):
            members["private_key"] = repair_pem(key)
        msgspec.convert(members, ServiceAccountFile)
    except (ValueError, RecursionError):  # msgspec's errors repeat values, and are ValueErrors
        return None
    return members


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
