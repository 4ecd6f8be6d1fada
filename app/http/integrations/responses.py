"""The responses that show integrations (integration-api.md; contract, 4 and 5)."""

from collections.abc import Iterable

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from app.http.errors import Found
from app.http.integrations.cursors import cursor_text
from app.http.preconditions import tag_of, tag_of_list
from app.http.problems import details_from
from app.http.responses import Detail, Rendered, headers_of
from app.http.timestamps import Time, timestamp
from app.http.types import ApiRequest, Id
from app.views.listing import Order
from app.views.lists import Page
from domain.integration import Channel
from projections.integration_view import IntegrationRow


class IntegrationObject(Struct, rename="camel"):
    """One integration as everybody may see it; times as `2025-02-20T09:00:00.000Z`."""

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


class IntegrationResult(Struct):
    """One integration, and what is doubtful about it."""

    data: IntegrationObject
    message: str
    status: int
    warnings: list[Detail] | UnsetType = UNSET


class IntegrationAnswer(Struct):
    """The answer with one integration."""

    result: IntegrationResult


class IntegrationListResult(Struct, rename="camel"):
    """Integrations; `totalCount` counts all that match, `nextCursor` shows where more follow."""

    data: list[IntegrationObject]
    message: str
    status: int
    total_count: int
    next_cursor: str | UnsetType = UNSET


class IntegrationListAnswer(Struct):
    """The answer with many integrations."""

    result: IntegrationListResult


def object_from(row: IntegrationRow) -> IntegrationObject:
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
        created_at=timestamp(row.created_at),
        updated_at=timestamp(row.updated_at),
    )


def render_created(
    request: ApiRequest, row: IntegrationRow, location: str, found: Iterable[Found]
) -> Rendered:
    """Return the answer that shows a new integration, which is found at *location*."""
    body = one(request, row, "Integration created successfully", 201, found)
    return Rendered(201, body, {**headers_of(request, tag_of(row.version)), "Location": location})


def render_one(
    request: ApiRequest, row: IntegrationRow, message: str, found: Iterable[Found] = ()
) -> Rendered:
    """Return the answer that shows one integration."""
    body = one(request, row, message, 200, found)
    return Rendered(200, body, headers_of(request, tag_of(row.version)))


def render_list(request: ApiRequest, page: Page, order: Order) -> Rendered:
    """Return the answer that shows *page* of a list in *order*."""
    result = IntegrationListResult(
        data=[object_from(row) for row in page.rows],
        message=request.auth.text("Integrations fetched successfully"),
        status=200,
        total_count=page.total,
        next_cursor=UNSET if page.next is None else cursor_text(order, page.next),
    )
    headers = headers_of(request, tag_of_list(page.rows, page.total))
    return Rendered(200, encode(IntegrationListAnswer(result)), headers)


def one(
    request: ApiRequest, row: IntegrationRow, message: str, status: int, found: Iterable[Found]
) -> bytes:
    """Return the envelope with one integration."""
    warnings = details_from(found, request.auth)
    result = IntegrationResult(
        data=object_from(row),
        message=request.auth.text(message),
        status=status,
        warnings=warnings or UNSET,
    )
    return encode(IntegrationAnswer(result))
