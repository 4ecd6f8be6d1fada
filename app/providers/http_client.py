"""HTTP client for providers: the only user of httpx2 here. It trusts nothing that comes back.

It has no deadline: the caller sets one over all requests of a check.
"""

import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import assert_never
from urllib.parse import quote

import httpx2
import msgspec
from msgspec import UNSET, Struct

from app.providers.errors import NoResponseError, NoResponseReason, UnsafeHeaderValueError
from app.providers.provider_file import Basic, Bearer, Header, HttpCheck
from app.secrets.secret import Secret

MAX_RESPONSE = 64 * 1024  # bytes of a response
# Uncompressed, so that a small response cannot unfold into a large one.
COMMON_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "integrations",
}

JSON_TYPE = re.compile(r"\bjson\b", re.IGNORECASE)  # application/json, application/problem+json


class ProviderRequest(Struct, frozen=True, kw_only=True):
    """One request; its headers and its body may hold secrets."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None

    def __repr__(self) -> str:
        return "ProviderRequest(…)"


class ProviderResponse(Struct, frozen=True):
    """One response; `content` is its JSON, UNSET if it is none.

    It may hold secrets of the provider's.
    """

    status: int
    content: object

    def __repr__(self) -> str:
        return f"ProviderResponse({self.status}, …)"


class ProviderClient:
    """Sends requests, each over a connection of its own: nothing of one reaches another.

    A reused client would keep cookies, and so carry one workspace's session into
    another's request. Nothing of the environment counts, no proxy and no `.netrc`; no redirect
    is followed.
    """

    def __init__(self) -> None:
        # One context for all: making it reads every certificate of the machine.
        self._tls = ssl.create_default_context()

    async def request(self, request: ProviderRequest) -> ProviderResponse:
        """Return the response to *request*.

        Raises:
            NoResponseError: there is no complete HTTP response. The library's own errors are
                dropped, because they may repeat what was sent.
        """
        try:
            async with httpx2.AsyncClient(
                verify=self._tls, trust_env=False, follow_redirects=False, timeout=None
            ) as client:
                return await send(client, request)
        except NoResponseError:
            raise
        except Exception as error:  # noqa: BLE001 — anything a foreign server's bytes can do
            reason = failure_reason(error)
        raise NoResponseError(reason=reason)


def failure_reason(error: Exception) -> NoResponseReason:
    """Return why the library's *error* left a request without a response."""
    cause = error.__cause__ and error.__cause__.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "untrusted"
    closed = isinstance(error, httpx2.RemoteProtocolError) and "without sending a response" in str(
        error
    )
    return "unreachable" if closed or isinstance(error, httpx2.NetworkError) else "unreadable"


async def send(client: httpx2.AsyncClient, request: ProviderRequest) -> ProviderResponse:
    """Send *request* and return its response."""
    headers = COMMON_HEADERS | {**request.headers}
    async with client.stream(
        request.method, request.url, headers=headers, content=request.body
    ) as response:
        if not is_plain_json(response.headers):
            return ProviderResponse(response.status_code, UNSET)
        body = bytearray()
        try:
            async for part in response.aiter_raw():
                body += part
                if len(body) > MAX_RESPONSE:
                    raise NoResponseError(reason="too large")
        except httpx2.NetworkError:
            raise NoResponseError(reason="unreadable") from None
    return ProviderResponse(response.status_code, decode_json(body))


def is_plain_json(headers: httpx2.Headers) -> bool:
    """Return whether *headers* say of a body nothing else than that it is JSON, as it is.

    We ask for nothing else; a proxy that labels its answer otherwise is not the provider.
    """
    encodings, type_ = headers.get("content-encoding", ""), headers.get("content-type", "json")
    return encodings.strip().lower() in ("", "identity") and JSON_TYPE.search(type_) is not None


def decode_json(body: bytes | bytearray) -> object:
    """Return the JSON value in *body*, UNSET if there is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return UNSET


Values = Mapping[str, Secret]
HEADER_SAFE = re.compile(rb"[\x21-\x7e]+")  # what a header's value can hold between spaces
COLON = b":"
HEADER_VALUE = re.compile(rb"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")  # all of it


def build_request(check: HttpCheck, base: str, values: Values) -> ProviderRequest:
    """Return the request of *check* to the region at *base*.

    Raises:
        UnsafeHeaderValueError: a value holds what no header can carry.
    """
    headers = authorization(check.auth, values) | setting_headers(check.headers, values)
    if check.body is None:
        return ProviderRequest(
            method=check.method, url=base + request_path(check, values), headers=headers
        )
    return ProviderRequest(
        method=check.method,
        url=base + request_path(check, values),
        headers=headers | {"Content-Type": "application/json"},
        body=msgspec.json.encode(check.body),
    )


def request_path(check: HttpCheck, values: Values) -> str:
    """Return the path of *check*; no value can leave its place in it."""
    path = check.path
    for name, value in values.items():
        path = path.replace("{" + name + "}", quote(value.reveal(), safe=""))
    return path


def authorization(auth: Bearer | Header | Basic, values: Values) -> dict[str, str]:
    """Return the header that bears the credentials."""
    match auth:
        case Bearer(field=field):
            return {"Authorization": f"Bearer {require_header_safe(field, values)}"}
        case Header(name=name, field=field):
            return {name: require_header_safe(field, values)}
        case Basic(user=user, password=password):
            name = require_header_safe(user, values, COLON)
            pair = f"{name}:{require_header_safe(password, values)}"
            return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        case _:
            assert_never(auth)


def setting_headers(headers: Mapping[str, str], values: Values) -> dict[str, str]:
    """Return the *headers* whose settings are among *values*."""
    sent: dict[str, str] = {}
    for name, setting in headers.items():
        if setting in values:
            value = values[setting].reveal()
            if not HEADER_VALUE.fullmatch(value):
                raise UnsafeHeaderValueError(setting)
            sent[name] = value.decode()
    return sent


def require_header_safe(field: str, values: Values, without: bytes | None = None) -> str:
    """Return the value of *field*; raise UnsafeHeaderValueError if no header can carry it."""
    value = values[field]
    if not is_header_safe(value) or (without and without in value.reveal()):
        raise UnsafeHeaderValueError(field)
    return value.reveal().decode()


def is_header_safe(value: Secret) -> bool:
    """Return whether a header can carry *value*, as part of its own value (RFC 9110, 5.5)."""
    return HEADER_SAFE.fullmatch(value.reveal()) is not None
