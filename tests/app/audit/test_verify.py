"""Whoever can do everything to the database cannot edit the log so that nobody sees it."""

from collections.abc import Awaitable, Callable

import pytest

from app.audit.tree_verification import Finding
from app.audit.verify import (
    VerificationResult,
)
from app.database.pools import Pool
from app.event_store.postgres import SNAPSHOT_EVERY, PostgresEventLog
from domain.integration import CredentialsDestroyed, CredentialsReplaced, IntegrationCreated
from tests.app.audit.conftest import Tamper, Writer, edited, rewritten

Verify = Callable[..., Awaitable[VerificationResult]]


def swapped(one: int, other: int) -> list[str]:
    """Let two events change places."""
    return [
        *edited(one, "position = 0"),
        *edited(other, f"position = {one}"),
        *edited(0, f"position = {other}"),
    ]


def secrets_swapped(one: str, other: str) -> list[str]:
    """Let the sealed secrets of two places (workspace, stream, field) be each other's."""
    return [
        f"""
        UPDATE secret_store AS s
        SET nonce = o.nonce, ciphertext = o.ciphertext, wrapped_key = o.wrapped_key
        FROM secret_store AS o
        WHERE (s.workspace_id, s.stream, s.field) IN ({one}, {other})
            AND (o.workspace_id, o.stream, o.field) IN ({one}, {other})
            AND (o.workspace_id, o.stream, o.field) <> (s.workspace_id, s.stream, s.field)
        """  # noqa: S608 — our own
    ]


INSERTED = [
    "UPDATE events SET position = -position - 1 WHERE position >= 6",
    "UPDATE events SET position = -position WHERE position < 0",
    """
    INSERT INTO events (
        position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
    )
    SELECT 6, workspace_id, 9, stream, 9, type, action, actor_id, at, envelope
    FROM events WHERE position = 5
    """,
]


def appended(position: int, version: int) -> str:
    """Add another event like the last, the fourth of its stream, with bytes that agree."""
    return f"""
        INSERT INTO events (
            position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
        )
        SELECT {position}, workspace_id, {position} - 4, stream, {version}, type, action, actor_id,
            at, convert_to(
            replace(convert_from(envelope, 'UTF8'), '"version":4', '"version":{version}'), 'UTF8'
        ) FROM events WHERE position = 12
    """  # noqa: S608 — our own


BROUGHT_BACK = [
    """
    INSERT INTO secret_store
    SELECT workspace_id, 'int_2', field, version, kek, wrapped_key, nonce, ciphertext
    FROM secret_store WHERE (workspace_id, stream) = ('demo', 'int_1')
    """
]
STRANGE_ROW = [
    """
    INSERT INTO integration_view SELECT strange.*
    FROM integration_view AS v, jsonb_populate_record(v, '{"id": "int_x"}') AS strange
    WHERE v.id = 'int_3'
    """
]
# The list; what is done, the first bad position, and what is said of it.
EDITS: dict[str, tuple[list[str], int, str]] = {
    "body changed": (rewritten(3, "Post", "Past"), 3, "is not the one that was signed"),
    "row deleted in the middle": (["DELETE FROM events WHERE position = 5"], 5, "is missing"),
    "first row deleted": (["DELETE FROM events WHERE position = 1"], 1, "is missing"),
    "tail truncated": (
        ["DELETE FROM events WHERE position > 10"],
        11,
        "the log ends before here; the signed log reaches position 12",
    ),
    "all rows deleted": (["DELETE FROM events"], 1, "the log ends before here"),
    "row inserted": (INSERTED, 6, "is not the one that was signed"),
    "row added at the end": (
        [appended(13, 5)],
        13,
        "integration_view: the row after this event has other version",
    ),
    "row added with a later version": ([appended(13, 6)], 13, "version 6 of int_1 follows version"),
    "rows added in another order": (
        [appended(13, 6), appended(14, 5)],
        13,
        "the event stands before older ones of int_1",
    ),
    "rows of one workspace swapped": (swapped(3, 4), 3, "is not the one that was signed"),
    "rows of two workspaces swapped": (swapped(4, 5), 4, "is not the one that was signed"),
    "actor changed": (rewritten(6, "user-1", "user-2"), 6, "is not the one that was signed"),
    "bytes that are no event": (edited(7, "envelope = 'x'"), 7, "is not the one that was signed"),
    "workspace changed": (edited(9, "workspace_id = 'third'"), 9, "is not the one that was signed"),
    "workspace that cannot be": (edited(9, "workspace_id = 'a b'"), 9, "no workspace can have"),
    "stream changed": (edited(8, "stream = 'int_9'"), 8, "are not those in its bytes"),
    "type changed": (edited(8, "type = 'IntegrationDeleted'"), 8, "are not those in its bytes"),
    "version changed": (edited(11, "version = 9"), 11, "are not those in its bytes"),
    "action changed": (edited(8, "action = 'x'"), 8, "action in the columns"),
    "actor column changed": (edited(8, "actor_id = 'user-2'"), 8, "actor_id in the columns"),
    "time changed": (edited(8, "at = at + interval '1ms'"), 8, "at in the columns"),
    "sequence changed": (
        edited(8, "sequence = 99"),
        8,
        "sequence 99 is stored with event 6 of its workspace",
    ),
    "secrets of two fields swapped": (
        secrets_swapped("('demo', 'int_3', 'apiKey')", "('demo', 'int_3', 'apiSecret')"),
        8,
        "the stored secret apiKey is not the one that was sealed",
    ),
    "secrets of two workspaces swapped": (
        secrets_swapped("('demo', 'int_1', 'apiKey')", "('other', 'int_1', 'apiKey')"),
        2,
        "the stored secret apiKey is not the one that was sealed",
    ),
    "secret deleted": (
        ["DELETE FROM secret_store WHERE stream = 'int_3' AND field = 'apiSecret'"],
        8,
        "the secret apiSecret is not stored",
    ),
    "deleted secret kept": (
        ["UPDATE secret_store SET stream = 'int_2' WHERE workspace_id = 'other'"],
        2,
        "the secret apiKey is not stored",
    ),
    "deleted secret brought back": (
        BROUGHT_BACK,
        7,
        "version 2 of the secret apiKey is stored and should not be",
    ),
}
# What follows from the log is compared as well.
DERIVED: dict[str, tuple[list[str], int | None, str]] = {
    "list edited": (
        ["UPDATE integration_view SET name = 'x', is_active = true WHERE id = 'int_3'"],
        10,
        "integration_view: the row after this event has other name, is_active",
    ),
    "list lacks one": (
        ["DELETE FROM integration_view WHERE (workspace_id, id) = ('other', 'int_1')"],
        11,
        "integration_view: a row is missing",
    ),
    "list has a deleted one": (
        ["UPDATE integration_view SET id = 'int_2' WHERE id = 'int_3'"],
        7,
        "integration_view: a row is there that should be gone",
    ),
    "list has a strange one": (
        STRANGE_ROW,
        None,
        "integration_view: a row is there for int_x, which has no events",
    ),
    "stored tree edited": (
        ["UPDATE audit_tiles SET hashes = set_byte(hashes, 3 * 32, 0) WHERE workspace_id = 'demo'"],
        6,  # the fourth event of demo
        "is not the one that was signed",
    ),
    "newest checkpoints deleted": (
        ["DELETE FROM audit_checkpoints WHERE position > 8"],
        9,
        "the stored trees and their checkpoints do not end together",
    ),
    "a workspace's newest checkpoint deleted": (
        ["DELETE FROM audit_checkpoints WHERE workspace_id = 'other' AND position > 8"],
        9,
        "no checkpoint is there of the events from here on (integrations/other)",
    ),
    "checkpoint edited": (
        ["UPDATE audit_checkpoints SET note = replace(note, 'position 8', 'position 7')"],
        8,
        "the checkpoint here is none of ours",
    ),
    "checkpoint moved": (
        ["UPDATE audit_checkpoints SET position = 7 WHERE position = 8 AND workspace_id = 'demo'"],
        7,
        "the events of integrations/demo from position 1 to here are not those that were signed",
    ),
}
NOT_ITS_EVENTS = "snapshots: the one after this event is not what events came to"
CREATED = IntegrationCreated(name="Mail", type="SENDGRID", channel="EMAIL", is_active=True)
# An event, all that follows from it, and its stored hashes: as if it had always been so.
THOROUGHLY = (
    *rewritten(3, "Post", "Past"),
    """
    UPDATE audit_tiles SET hashes = overlay(hashes PLACING (
        SELECT sha256('\\x00'::bytea || envelope) FROM events WHERE position = 3
    ) FROM CASE workspace_id WHEN '*' THEN 2 ELSE 1 END * 32 + 1)
    WHERE workspace_id IN ('*', 'demo')
    """,
    """
    UPDATE integration_view SET name = 'Past', name_key = E'past\\nPast', search_text = 'past'
    WHERE (workspace_id, id) = ('demo', 'int_1')
    """,
)


# ----- What it finds -----
@pytest.mark.usefixtures("signed")
async def test_a_log_that_nobody_edited_agrees_with_everything(verifying: Verify) -> None:
    assert await verifying() == VerificationResult(events=12, checkpoints=6, unsigned=0, first=None)
    assert await verifying(workspace="demo") == VerificationResult(
        events=8, checkpoints=2, unsigned=0, first=None
    )


async def test_a_destroyed_secret_and_the_next_one_agree_with_the_log(
    signed: Writer, verifying: Verify, tamper: Tamper
) -> None:
    name = ("demo", "int_3")
    first, second = (signed.credential(*name, "apiSecret", version) for version in (1, 2))
    await signed.append(*name, CredentialsDestroyed(credentials=(first,)))
    assert (await verifying()).first is None
    await signed.append(*name, CredentialsReplaced(credentials=(second,)))
    assert (await verifying()).first is None
    tamper(
        """
        INSERT INTO secret_store
        SELECT workspace_id, stream, field, 1, kek, wrapped_key, nonce, ciphertext
        FROM secret_store WHERE (stream, field) = ('int_3', 'apiSecret')
        """
    )
    what = "version 1 of the secret apiSecret is stored and should not be"
    assert (await verifying()).first == Finding(14, what)


async def test_an_empty_log_agrees_with_everything(verifying: Verify) -> None:
    assert await verifying() == VerificationResult(events=0, checkpoints=0, unsigned=0, first=None)


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    ("edits", "position", "what"), [*EDITS.values(), *DERIVED.values()], ids=[*EDITS, *DERIVED]
)
async def test_an_edit_is_found_and_its_first_position_named(
    verifying: Verify, tamper: Tamper, edits: list[str], position: int | None, what: str
) -> None:
    tamper(*edits)
    first = (await verifying()).first
    assert first is not None
    assert (first.position, what in first.what) == (position, True), first


@pytest.mark.usefixtures("signed")
async def test_an_edit_of_the_event_and_all_that_follows_from_it_is_found_by_what_was_signed(
    verifying: Verify, tamper: Tamper
) -> None:
    tamper(*THOROUGHLY)
    # The hash of the event is as stored; which event it was cannot be told any more.
    what = "the events of integrations/demo from position 1 to here are not those that were signed"
    assert (await verifying(workspace="demo")).first == Finding(8, what)
    assert ((await verifying()).first or Finding(0, "")).position == 8


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("name", ["body changed", "actor changed", "secrets of two fields swapped"])
async def test_one_workspace_can_be_verified_alone(
    verifying: Verify, tamper: Tamper, name: str
) -> None:
    edits, position, _ = EDITS[name]
    tamper(*edits)
    assert ((await verifying(workspace="demo")).first or Finding(0, "")).position == position
    assert (await verifying(workspace="other")).first is None


@pytest.mark.usefixtures("signed")
async def test_one_workspace_alone_shows_that_its_last_event_was_moved(
    verifying: Verify, tamper: Tamper
) -> None:
    tamper(*swapped(11, 12))  # the one is of `other`, the other of `demo`: each keeps its order
    what = "the events of integrations/demo from position 10 to here are not those that were signed"
    assert (await verifying(workspace="demo")).first == Finding(12, what)


@pytest.fixture
async def kept(writer: Writer, commands: Pool) -> None:
    """A signed log of one stream, and a snapshot of it."""
    await writer.append("demo", "int_1", CREATED)
    for number in range(1, SNAPSHOT_EVERY):
        await writer.append("demo", "int_1", writer.on if number % 2 == 0 else writer.off)
    await PostgresEventLog(commands).load("demo", "int_1")
    await writer.follow()


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("edit", "position", "what"),
    [
        (
            "state = convert_to(replace(convert_from(state, 'UTF8'), 'Mail', 'Post'), 'UTF8')",
            20,
            NOT_ITS_EVENTS,
        ),
        ("state = 'nothing'", 20, NOT_ITS_EVENTS),
        ("version = 19", 19, NOT_ITS_EVENTS),
        ("version = 21", None, "snapshots: int_1 has no event with version 21"),
        ("stream = 'int_2'", None, "snapshots: int_2 has no event with version 20"),
    ],
)
async def test_a_snapshot_that_commands_would_go_on_from_wrongly_is_found(
    verifying: Verify, tamper: Tamper, edit: str, position: int | None, what: str
) -> None:
    assert (await verifying()).first is None
    tamper(f"UPDATE snapshots SET {edit}")  # noqa: S608 — our own
    assert (await verifying()).first == Finding(position, what)


@pytest.mark.usefixtures("signed")
async def test_what_other_code_kept_is_none_of_ours(verifying: Verify, tamper: Tamper) -> None:
    tamper("INSERT INTO snapshots VALUES ('demo', 'int_1', 'integration 0', 1, 'nothing')")
    assert (await verifying()).first is None


@pytest.mark.usefixtures("signed")
async def test_rewrapping_the_keys_of_secrets_changes_nothing(
    verifying: Verify, tamper: Tamper
) -> None:
    tamper("UPDATE secret_store SET kek = 'kek-2-00c0ffee', wrapped_key = 'rewrapped'")
    assert (await verifying()).first is None


# ----- What it cannot find; docs/audit.md says so -----
async def test_what_is_edited_consistently_before_it_was_signed_is_signed_as_it_then_is(
    signed: Writer, verifying: Verify, tamper: Tamper
) -> None:
    await signed.append("demo", "int_1", signed.on)
    # No view shows the id of a request, so that nothing else has to be edited.
    tamper(*rewritten(13, '"requestId":null', '"requestId":"forged"'))
    assert await verifying() == VerificationResult(events=13, checkpoints=6, unsigned=1, first=None)
    await signed.follow()
    assert (await verifying()).first is None
