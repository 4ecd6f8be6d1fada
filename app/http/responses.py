"""What the HTTP API answers: the envelope `result` and what stands in it (contract, 1 and 4)."""

from datetime import datetime
from typing import Annotated

from litestar import Request
from litestar.datastructures import State
from litestar.params import Parameter
from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from app.identifiers import FORM
from app.locales.catalogues import Language
from app.tokens.principal import Principal
from domain.integration import Channel
from projections.integration_view import IntegrationRow

ApiRequest = Request[Principal, Language, State]
WITH_MILLISECONDS = len("2025-02-20T09:00:00.000")
ID_PATTERN = f"^{FORM.pattern}$"
# These are for the OpenAPI document; nothing is checked on the way out.
Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Time = Annotated[
    str,
    Parameter(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        schema_extra={"format": "date-time"},  # which Litestar does not take from Meta
    ),
]


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


class Detail(Struct):
    """One wrong or doubtful field; `field` is null where its name cannot be repeated."""

    field: str | None
    code: str
    message: str


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


class NothingResult(Struct):
    """Done, and nothing to show."""

    data: None
    message: str
    status: int


class NothingAnswer(Struct):
    """The answer without data."""

    result: NothingResult


class ProblemResult(Struct, rename="camel"):
    """What went wrong; `requestId` finds it in our logs, and no submitted value is repeated."""

    data: None
    error: str
    message: str
    status: int
    request_id: str
    details: list[Detail] | UnsetType = UNSET


class ProblemAnswer(Struct):
    """The answer to every request that failed."""

    result: ProblemResult


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


def timestamp(time: datetime) -> str:
    """Return *time*, which is UTC, in ISO 8601 with exactly three decimals and a Z.

    msgspec writes it, in a sixth of the time that `isoformat` takes: with six decimals, or none.
    """
    written: str = to_builtins(time)
    return written[:WITH_MILLISECONDS] + "Z" if "." in written else written[:-1] + ".000Z"
