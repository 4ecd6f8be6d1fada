"""What the history answers (contract, 8)."""

from hashlib import blake2b
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.json import encode

from app.http.rendering import Rendered, headers_of
from app.http.responses import ApiRequest, Id, Time, timestamp
from app.views.history import HistoryPage
from projections.history import Action, HistoryEntry


class Performer(Struct):
    """Who did it: the token's `sub`, and `name` and `email` where it bore them."""

    id: str
    name: str | None
    email: str | None


class EntryObject(Struct, rename="camel"):
    """What happened once; `id` is `<integration>:<version>`, the same after every rebuild."""

    id: Annotated[str, Meta(pattern=r"^int_[0-9a-z]{26}:[1-9][0-9]*$")]
    resource_type: Literal["integration"]
    resource_id: Id
    resource_name: str
    action: Action
    details: dict[str, Any]
    performed_by: Performer
    ip_address: str | None
    workspace_id: str
    position: int
    created_at: Time


class HistoryResult(Struct, rename="camel"):
    """Entries, newest first; `totalCount` counts all that match."""

    data: list[EntryObject]
    message: str
    status: int
    total_count: int


class HistoryAnswer(Struct):
    """The answer with a page of the history."""

    result: HistoryResult


def entry_from(entry: HistoryEntry) -> EntryObject:
    """Return *entry* as the HTTP API shows it."""
    return EntryObject(
        id=f"{entry.stream}:{entry.version}",
        resource_type="integration",
        resource_id=entry.stream,
        resource_name=entry.resource_name,
        action=entry.action,
        details=entry.details,
        performed_by=Performer(entry.actor_id, entry.actor_name, entry.actor_email),
        ip_address=entry.ip_address,
        workspace_id=entry.workspace_id,
        position=entry.position,
        created_at=timestamp(entry.created_at),
    )


def render_history(request: ApiRequest, page: HistoryPage) -> Rendered:
    """Return the answer that shows *page*; its entity tag is a digest of all that it shows."""
    result = HistoryResult(
        data=[entry_from(entry) for entry in page.entries],
        message=request.auth.text("History fetched successfully"),
        status=200,
        total_count=page.total,
    )
    body = encode(HistoryAnswer(result))
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    return Rendered(200, body, headers_of(request, tag))
