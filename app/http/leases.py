"""Leases: what sending needs, sealed to the worker that asks (docs/workers.md)."""

import re
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from msgspec import Meta, Struct
from msgspec.json import encode
from msgspec.structs import replace

from app.access.errors import SecretInPurposeError
from app.access.lease_request import LeaseRequest, Secrets
from app.access.leasing import Lease
from app.command_handler import utc_now
from app.http.authorization import authorize
from app.http.body_dto import BodyDTO
from app.http.command_requests import request_metadata, require_channel, require_integration_id
from app.http.dependencies import get_dependencies
from app.http.errors import InvalidFieldsError
from app.http.field_rules import FieldError, FieldProblem, Rule, require_string
from app.http.integrations.public_text import (
    REPEATS_SECRET,
    reject_exposed_secrets,
    reject_provider_keys,
)
from app.http.integrations.recorded_headers import REQUEST_ID, find_secrets
from app.http.middleware import given_request_id, replace_request_id
from app.http.preconditions import etag
from app.http.request_bodies import BodySchema
from app.http.responses import RenderedResponse, response_headers, to_response
from app.http.timestamps import Time, format_timestamp
from app.http.types import ApiRequest, Id
from app.secrets.lease_key import PublicKey
from app.tokens.principal import RESOLVE, VIEW
from app.views.lease_material import LeaseMaterial
from domain.channel_default import default_stream
from domain.provider import Providers

PURPOSE = re.compile(r"[A-Za-z0-9:._-]{1,64}")
INVALID_PURPOSE = FieldProblem(
    "INVALID_PURPOSE", "This must be 1 to 64 letters, digits or characters of :._-"
)


def read_purpose(value: object) -> str:
    """Return the purpose *value*; raise FieldError if it is none."""
    text = require_string(value)
    if not PURPOSE.fullmatch(text):
        raise FieldError(INVALID_PURPOSE)
    return text


class LeaseBody(Struct, rename="camel", frozen=True):
    """What a lease is for, in the worker's own words; it is recorded, and has no other effect."""

    purpose: str | None = None


def lease_schema(providers: Providers) -> BodySchema[LeaseBody]:
    """Return the schema of a lease's body; no key of one of *providers* is a purpose."""
    rule = Rule(read_purpose, {"type": "string", "pattern": f"^{PURPOSE.pattern}$"})
    return BodySchema(
        shape=LeaseBody,
        rules={"purpose": rule},
        checks=(reject_exposed_secrets(providers), reject_provider_keys(providers)),
        is_optional=True,
        examples={"For a campaign": {"purpose": "campaign:cmp_123"}},
    )


class LeaseObject(Struct, rename="camel"):
    """A lease: a signed token (JWS), sealed to the key that the caller's token names."""

    integration_id: Id
    version: int
    lease_seconds: int
    expires_at: Time
    lease: Annotated[str, Meta(pattern=r"^[\w-]+\.[\w-]+\.[\w-]+$")]


class LeaseResult(Struct):
    """A granted lease."""

    data: LeaseObject
    message: str
    status: int


class LeaseResponse(Struct):
    """The response with a lease."""

    result: LeaseResult


class LeaseKeysResult(Struct):
    """The keys that sign leases."""

    data: list[PublicKey]
    message: str
    status: int


class LeaseKeysResponse(Struct):
    """The response with the keys that sign leases."""

    result: LeaseKeysResult


class LeaseController(Controller):
    """What delivery workers need to send with an integration; no response holds it in the open."""

    path = "/{locale:str}/api"
    before_request = authorize
    tags = ("Leases",)
    security = ({"bearer": []},)

    @post(
        "/integration/{integration_id:str}/lease",
        opt={"permission": RESOLVE},
        status_code=200,
        dto=BodyDTO[LeaseBody],
        return_dto=None,
        operation_id="leaseIntegration",
    )
    async def lease_integration(
        self, request: ApiRequest, integration_id: FromPath[str], data: LeaseBody | None = None
    ) -> Response[LeaseResponse]:
        """Lease the credentials of an integration, sealed to the key that the token names."""
        wanted = lease_request(request, require_integration_id(integration_id), data)
        granted = get_dependencies(request.app).leasing.lease(wanted)
        return await lease_response(request, granted)

    @post(
        "/integration-defaults/{channel:str}/lease",
        opt={"permission": RESOLVE},
        status_code=200,
        dto=BodyDTO[LeaseBody],
        return_dto=None,
        operation_id="leaseDefault",
    )
    async def lease_default(
        self, request: ApiRequest, channel: FromPath[str], data: LeaseBody | None = None
    ) -> Response[LeaseResponse]:
        """Lease the credentials of the default of a channel, as it is now."""
        wanted = lease_request(request, default_stream(require_channel(channel)), data)
        granted = get_dependencies(request.app).leasing.lease_default(wanted)
        return await lease_response(request, granted)

    @get(
        "/lease-keys",
        opt={"permission": VIEW, "or_permission": RESOLVE},
        operation_id="listLeaseKeys",
    )
    async def list_lease_keys(self, request: ApiRequest) -> Response[LeaseKeysResponse]:
        """Show the keys that sign leases; pin them from `integrations lease-key`, not from here."""
        key = get_dependencies(request.app).leasing.key
        result = LeaseKeysResult(
            data=[key.public], message=request.auth.text("Keys fetched successfully"), status=200
        )
        headers = {"Content-Language": request.auth.tag}
        return to_response(RenderedResponse(200, encode(LeaseKeysResponse(result)), headers))


def lease_request(request: ApiRequest, wanted: str, data: LeaseBody | None) -> LeaseRequest:
    """Return the request for a lease of *wanted*, an integration or the default of a channel."""
    purpose = data.purpose if data else None
    given = {"purpose": purpose, REQUEST_ID: given_request_id(request.scope)}
    texts = {name: text for name, text in given.items() if text}
    return LeaseRequest(
        workspace=request.user.workspace,
        integration=wanted,
        recipient=request.user.recipient,
        purpose=purpose,
        metadata=request_metadata(request),
        at=utc_now(),
        check_texts=partial(check_texts, request, texts) if texts else None,
    )


def check_texts(
    request: ApiRequest,
    texts: Mapping[str, str],
    wanted: LeaseRequest,
    material: LeaseMaterial | None,
    secrets: Secrets,
) -> LeaseRequest:
    """Return *wanted* with another request id if its own, of *texts*, contains a secret.

    Raises:
        SecretInPurposeError: the purpose does.
    """
    if material is None:
        return wanted
    provider = get_dependencies(request.app).providers.get(material.type)
    found = find_secrets(texts, secrets, provider)
    if REQUEST_ID in found:
        replace_request_id(request.scope)
        wanted = replace(wanted, metadata=request_metadata(request))
    if "purpose" in found:
        raise SecretInPurposeError
    return wanted


async def lease_response(request: ApiRequest, granted: Awaitable[Lease]) -> Response[LeaseResponse]:
    """Return the response with the lease; raise InvalidFieldsError if the purpose is a secret."""
    try:
        return to_response(render_lease(request, await granted))
    except SecretInPurposeError:
        raise InvalidFieldsError([("purpose", REPEATS_SECRET)]) from None


def render_lease(request: ApiRequest, lease: Lease) -> RenderedResponse:
    """Return the response with *lease*; the version is its entity tag."""
    shown = LeaseObject(
        integration_id=lease.integration,
        version=lease.version,
        lease_seconds=lease.seconds,
        expires_at=format_timestamp(lease.expires_at),
        lease=lease.token,
    )
    result = LeaseResult(data=shown, message=request.auth.text("Lease granted"), status=200)
    headers = {**response_headers(request, etag(lease.version)), "Cache-Control": "no-store"}
    return RenderedResponse(200, encode(LeaseResponse(result)), headers)
