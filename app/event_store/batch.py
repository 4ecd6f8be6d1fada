"""What a batch of writes is to the database: one JSON value, the rows of each table by themselves.

Every item names the workspace of its write, and most its stream: there its row goes, whatever the
row says. A part without items is left out, so that the database need not look at its table.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from app.event_store.codec import encoder
from app.event_store.protocol import Changeset, StoredResponse
from app.secrets.sealing import SealedSecret
from domain.envelope import Envelope
from domain.integration import CredentialsDestroyed
from projections.channel_default_view import channel_default_view
from projections.history import Action, action_of
from projections.integration_view import IntegrationRow, count_deltas, integration_view


class StreamKey(Struct):
    """A stream, and its workspace."""

    workspace: str
    stream: str


class EventItem(StreamKey):
    """An event: its `envelope`, the stored bytes as text, and the columns that repeat them."""

    version: int
    type: str
    action: Action | str
    actor_id: str
    at: datetime
    envelope: str


class ResponseItem(Struct):
    """The response to store under an idempotency key; its bytes are base64."""

    workspace: str
    response: StoredResponse


class RowItem(StreamKey):
    """The row of a view after a write."""

    row: Struct


class CountItem(Struct):
    """By how many the integrations of one type and state have become more."""

    workspace: str
    type: str
    is_active: bool
    delta: int


class DeletedSecretsItem(StreamKey):
    """Secrets to delete: those of the fields, all of the stream if it is None."""

    fields: Sequence[str] | None


class SealedItem(StreamKey):
    """New secrets; their bytes are base64."""

    sealed: Sequence[SealedSecret]


class Batch(Struct, omit_defaults=True):
    """What `integrations.record_batch` takes; record_batch.sql writes each part."""

    events: list[EventItem] = []
    responses: list[ResponseItem] = []
    rows: list[RowItem] = []
    deleted_rows: list[StreamKey] = []
    default_rows: list[RowItem] = []
    deleted_default_rows: list[StreamKey] = []
    counts: list[CountItem] = []
    deleted_secrets: list[DeletedSecretsItem] = []
    sealed: list[SealedItem] = []


VIEW_PARTS = {
    integration_view.name: ("rows", "deleted_rows"),
    channel_default_view.name: ("default_rows", "deleted_default_rows"),
}
"""The parts for the rows of each projection: those that there are, and those that have gone."""


def encode_batch(writes: Sequence[Changeset]) -> str:
    """Return *writes* as the database takes them.

    Raises:
        UnicodeError: one holds half a surrogate pair.
    """
    return msgspec.json.encode(build_batch(writes)).decode()


def build_batch(writes: Sequence[Changeset]) -> Batch:
    """Return the parts of all *writes*, each in their order."""
    batch = Batch(counts=[*count_items(writes)])
    for write in writes:
        if write.response is not None:
            batch.responses.append(ResponseItem(write.workspace, write.response))
        if write.envelopes:
            batch.events += map(event_item, write.envelopes)
            add_rows(batch, write)
        add_secrets(batch, write)
    return batch


def event_item(envelope: Envelope) -> EventItem:
    """Return *envelope* as `integrations.append` takes it."""
    return EventItem(
        workspace=envelope.workspace,
        stream=envelope.stream,
        version=envelope.version,
        type=type(envelope.event).__name__,
        action=action_of(envelope.event),
        actor_id=envelope.metadata.actor.sub,
        at=envelope.at,
        envelope=encoder.encode(envelope).decode(),
    )


def add_rows(batch: Batch, write: Changeset) -> None:
    """Add the rows of views that *write* changed, or that there is none any more."""
    key = write.workspace, write.stream
    for name, row in write.rows.items():
        changed, deleted = VIEW_PARTS[name]
        if row == write.before[name]:
            continue
        if row is not None:
            getattr(batch, changed).append(RowItem(*key, row))
        else:
            getattr(batch, deleted).append(StreamKey(*key))


def add_secrets(batch: Batch, write: Changeset) -> None:
    """Add the new secrets of *write*, and which stored ones go."""
    key = write.workspace, write.stream
    if write.deletes_secrets:
        batch.deleted_secrets.append(DeletedSecretsItem(*key, None))
    elif not starts_stream(write) and (fields := ended_fields(write)):
        batch.deleted_secrets.append(DeletedSecretsItem(*key, fields))
    if write.sealed:
        batch.sealed.append(SealedItem(*key, write.sealed))


def ended_fields(write: Changeset) -> list[str]:
    """Return the fields whose stored secrets are replaced or destroyed by *write*."""
    destroyed = [
        credential.field
        for envelope in write.envelopes
        if isinstance(envelope.event, CredentialsDestroyed)
        for credential in envelope.event.credentials
    ]
    return [*(secret.field for secret in write.sealed), *destroyed]


def starts_stream(write: Changeset) -> bool:
    """Return whether *write* begins its stream, so that nothing can have been sealed in it."""
    return bool(write.envelopes) and write.envelopes[0].version == 1


def count_items(writes: Sequence[Changeset]) -> Iterator[CountItem]:
    """Yield what changes in the counts of integrations, by workspace, type and state."""
    found: Counter[tuple[str, str, bool]] = Counter()
    for write in writes:
        for key, delta in count_deltas(counted_row(write.before), counted_row(write.rows)):
            found[write.workspace, *key] += delta
    for (workspace, type_, is_active), delta in found.items():
        if delta:
            yield CountItem(workspace, type_, is_active, delta)


def counted_row(rows: Mapping[str, Struct | None]) -> IntegrationRow | None:
    """Return the row of an integration among *rows*, None if they are of something else."""
    return rows.get(integration_view.name)  # pyright: ignore[reportReturnType] — its own row
