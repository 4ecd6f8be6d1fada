"""A batch has a part for each table that it concerns, and none for others."""

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from app.event_store.batch import build_batch, encode_batch
from app.event_store.protocol import Changeset, StoredResponse
from app.secrets.sealing import SealedSecret
from domain.integration import (
    CredentialsChecked,
    CredentialsDestroyed,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationRenamed,
    IntegrationToggled,
)

WriteOf = Callable[..., Changeset]
OFF = IntegrationToggled(is_active=False)
ANSWER = StoredResponse("key-1", b"print", 200, {}, b"{}")
API_KEY = SealedSecret(
    workspace="demo",
    stream="int_1",
    field="apiKey",
    version=1,
    kek="kek-1",
    wrapped_key=b"wrapped",
    nonce=b"twelve bytes",
    ciphertext=b"ciphertext",
)


def parts(*writes: Changeset) -> set[str]:
    """Return the names of the parts that the database gets."""
    return set(msgspec.json.decode(encode_batch(writes)))


def counts(*writes: Changeset) -> list[tuple[str, str, bool, int]]:
    """Return what changes in the counts."""
    return [
        (item.workspace, item.type, item.is_active, item.delta)
        for item in build_batch(writes).counts
    ]


def test_a_creation_without_secrets_has_events_a_row_an_entry_and_a_count(
    write_of: WriteOf, created: IntegrationCreated
) -> None:
    assert parts(write_of(created)) == {"events", "rows", "counts"}


def test_a_change_that_moves_no_count_has_no_counts(
    write_of: WriteOf, created: IntegrationCreated
) -> None:
    past = write_of(created).envelopes
    assert parts(write_of(IntegrationRenamed(name="Post"), after=past)) == {
        "events",
        "rows",
    }


def test_a_check_that_changes_nothing_shown_writes_its_event_alone(
    write_of: WriteOf, created: IntegrationCreated
) -> None:
    checked = CredentialsChecked(outcome="ok", detail="It works", latency_ms=12)
    assert parts(write_of(checked, after=write_of(created).envelopes)) == {"events"}


def test_an_answer_alone_touches_no_other_table(write_of: WriteOf) -> None:
    assert parts(replace(write_of(), response=ANSWER)) == {"responses"}


def test_a_deletion_takes_the_row_away_and_ends_all_secrets(
    write_of: WriteOf, created: IntegrationCreated
) -> None:
    past = write_of(created).envelopes
    batch = build_batch([write_of(IntegrationDeleted(), after=past, deletes_secrets=True)])
    assert [(gone.workspace, gone.stream) for gone in batch.deleted_rows] == [("demo", "int_1")]
    assert [(ended.stream, ended.fields) for ended in batch.deleted_secrets] == [("int_1", None)]
    assert (batch.rows, batch.sealed) == ([], [])


def test_only_a_later_secret_ends_another(write_of: WriteOf, created: IntegrationCreated) -> None:
    first = write_of(created, sealed=[API_KEY])
    later = replace(write_of(OFF, after=first.envelopes), sealed=[API_KEY])
    assert build_batch([first]).deleted_secrets == []
    assert [ended.fields for ended in build_batch([later]).deleted_secrets] == [["apiKey"]]


def test_a_destroyed_secret_is_deleted_with_the_secrets_that_are_replaced(
    write_of: WriteOf, created: IntegrationCreated
) -> None:
    first = write_of(created, sealed=[API_KEY])
    old = replace(API_KEY.credential, field="apiSecret")
    gone = write_of(CredentialsDestroyed(credentials=(old,)), after=first.envelopes)
    assert parts(gone) == {"events", "rows", "deleted_secrets"}
    both = replace(gone, sealed=[API_KEY])
    assert [ended.fields for ended in build_batch([gone]).deleted_secrets] == [["apiSecret"]]
    [ended] = build_batch([both]).deleted_secrets
    assert ended.fields == ["apiKey", "apiSecret"]


def test_each_workspace_type_and_state_is_counted_once_a_batch(
    write_of: WriteOf, created: IntegrationCreated
) -> None:
    first = write_of(created)
    others = [write_of(created, stream="int_2"), write_of(created, workspace="other")]
    off = write_of(OFF, after=first.envelopes)
    kind = created.type
    assert sorted(counts(first, *others)) == [("demo", kind, True, 2), ("other", kind, True, 1)]
    assert sorted(counts(off)) == [("demo", kind, False, 1), ("demo", kind, True, -1)]
    assert counts(off, others[0]) == [("demo", kind, False, 1)]


def test_half_a_surrogate_pair_is_no_text(write_of: WriteOf, created: IntegrationCreated) -> None:
    with pytest.raises(UnicodeError):
        encode_batch([write_of(replace(created, name="\ud800"))])
