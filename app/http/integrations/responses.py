"""The responses that show integrations (docs/api.md#responses)."""

from collections.abc import Iterable

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from app.http.error_responses import error_details
from app.http.errors import FieldFinding
from app.http.integrations.cursors import encode_cursor
from app.http.preconditions import etag, list_etag
from app.http.responses import Detail, RenderedResponse, response_headers
from app.http.timestamps import Time, format_timestamp
from app.http.types import ApiRequest, Id
from app.views.integrations import Page
from app.views.list_queries import SortOrder
from domain.integration import Channel, Settings
from projections.integration_view import IntegrationRow


class IntegrationObject(Struct, rename="camel"):
    """One integration without its secrets; times as `2025-02-20T09:00:00.000Z`.

    `settings` is there if it has any.
    """

    id: Id
    name: str
    type: str
    channel: Channel
    is_active: bool
    sender_email: str | None
    sender_name: str | None
    sender_phone: str | None
    vapid_public_key: str | None
    workspace_id: str
    created_at: Time
    updated_at: Time
    settings: Settings | UnsetType = UNSET


class IntegrationResult(Struct):
    """One integration, and warnings about it."""

    data: IntegrationObject
    message: str
    status: int
    warnings: list[Detail] | UnsetType = UNSET


class IntegrationResponse(Struct):
    """The response with one integration."""

    result: IntegrationResult


class IntegrationListResult(Struct, rename="camel"):
    """Integrations; `totalCount` counts all that match, `nextCursor` is there if more follow."""

    data: list[IntegrationObject]
    message: str
    status: int
    total_count: int
    next_cursor: str | UnsetType = UNSET


class IntegrationListResponse(Struct):
    """The response with many integrations."""

    result: IntegrationListResult


def integration_object(row: IntegrationRow) -> IntegrationObject:
    """Return *row* as the HTTP API shows it."""
    return IntegrationObject(
        id=row.id,
        name=row.name,
        type=row.type,
        channel=row.channel,
        is_active=row.is_active,
        sender_email=row.sender_email,
        sender_name=row.sender_name,
        sender_phone=row.sender_phone,
        vapid_public_key=row.vapid_public_key,
        workspace_id=row.workspace_id,
        created_at=format_timestamp(row.created_at),
        updated_at=format_timestamp(row.updated_at),
        settings=row.settings or UNSET,
    )


def render_created(
    request: ApiRequest, row: IntegrationRow, location: str, findings: Iterable[FieldFinding]
) -> RenderedResponse:
    """Return the response with a new integration, which is at *location*."""
    body = render_integration(request, row, "Integration created successfully", 201, findings)
    return RenderedResponse(
        201, body, {**response_headers(request, etag(row.version)), "Location": location}
    )


def render_one(
    request: ApiRequest, row: IntegrationRow, message: str, findings: Iterable[FieldFinding] = ()
) -> RenderedResponse:
    """Return the response with one integration."""
    body = render_integration(request, row, message, 200, findings)
    return RenderedResponse(200, body, response_headers(request, etag(row.version)))


def render_list(request: ApiRequest, page: Page, order: SortOrder) -> RenderedResponse:
    """Return the response with *page* of a list in *order*."""
    result = IntegrationListResult(
        data=[integration_object(row) for row in page.rows],
        message=request.auth.text("Integrations fetched successfully"),
        status=200,
        total_count=page.total,
        next_cursor=UNSET if page.next is None else encode_cursor(order, page.next),
    )
    headers = response_headers(request, list_etag(page.rows, page.total, result.next_cursor))
    return RenderedResponse(
        200, encode(IntegrationListResponse(result), order="deterministic"), headers
    )


def render_integration(
    request: ApiRequest,
    row: IntegrationRow,
    message: str,
    status: int,
    findings: Iterable[FieldFinding],
) -> bytes:
    """Return the envelope with one integration."""
    warnings = error_details(findings, request.auth)
    result = IntegrationResult(
        data=integration_object(row),
        message=request.auth.text(message),
        status=status,
        warnings=warnings or UNSET,
    )
    return encode(IntegrationResponse(result), order="deterministic")
