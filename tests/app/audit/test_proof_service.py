"""What is handed out is checked here as its receiver would: with the verifier key and no trust."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.audit.checkpoint import CheckpointKey, verify_checkpoint
from app.audit.errors import NoteError, ProofError, ProofNotFoundError
from app.audit.merkle import Frontier, TreeHead, leaf_hash
from app.audit.proof_service import NoCheckpointError, ProofService
from app.audit.proofs import verify_consistency, verify_inclusion
from app.audit.signed_note import parse_verifier
from app.database.availability import UnavailableError
from app.database.pools import Pool, open_pool
from tests.app.audit.conftest import Writer

BYTES = (
    "SELECT position, envelope FROM integrations.events WHERE workspace_id = %s ORDER BY position"
)


@pytest.fixture
async def past(dsn: str) -> AsyncGenerator[Pool]:
    """The pool of the role that looks back."""
    async with open_pool(dsn, "integrations_past") as pool:
        yield pool


@pytest.fixture
def proof_service(past: Pool, key: CheckpointKey) -> ProofService:
    return ProofService(past, key)


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(("workspace", "size", "position"), [("demo", 8, 12), ("other", 4, 11)])
async def test_the_newest_checkpoint_is_signed_for_its_workspace(
    proof_service: ProofService, workspace: str, size: int, position: int
) -> None:
    newest = await proof_service.latest_checkpoint(workspace)
    verifier = parse_verifier(newest.verifier_key)
    assert verifier.name == f"integrations/{workspace}"
    checkpoint = verify_checkpoint(newest.note.encode(), verifier)
    assert checkpoint == newest.checkpoint
    assert (checkpoint.head.size, checkpoint.position) == (size, position)


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("workspace", ["demo", "other"])
async def test_every_event_of_a_workspace_can_be_proved(
    proof_service: ProofService, admin: Connection[TupleRow], workspace: str
) -> None:
    head = (await proof_service.latest_checkpoint(workspace)).checkpoint.head
    events = admin.execute(BYTES, (workspace,)).fetchall()
    assert len(events) == head.size
    for index, (position, envelope) in enumerate(events):
        inclusion = await proof_service.inclusion(workspace, position)
        assert (inclusion.leaf, inclusion.index) == (leaf_hash(envelope), index)
        verify_inclusion(leaf_hash(envelope), index, inclusion.proof, head)


@pytest.mark.usefixtures("signed")
async def test_every_state_is_proved_to_continue_every_earlier_one(
    proof_service: ProofService, admin: Connection[TupleRow]
) -> None:
    frontier = Frontier()
    heads: dict[int, TreeHead] = {}
    for _, envelope in admin.execute(BYTES, ("demo",)):
        frontier.append(leaf_hash(envelope))
        heads[frontier.size] = frontier.head
    for second in range(1, 9):
        for first in range(1, second + 1):
            proved = await proof_service.consistency("demo", first, second)
            assert (proved.first, proved.second) == (heads[first], heads[second])
            verify_consistency(heads[first], heads[second], proved.proof)


@pytest.mark.usefixtures("signed")
async def test_all_leaves_are_exported_byte_for_byte_in_their_order(
    proof_service: ProofService, admin: Connection[TupleRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.audit.proof_service.BATCH_SIZE", 3)
    events = admin.execute(BYTES, ("demo",)).fetchall()
    exported = [leaf async for leaf in proof_service.leaves("demo")]
    assert [(leaf.position, leaf.envelope) for leaf in exported] == events
    assert [leaf.index for leaf in exported] == [*range(8)]
    frontier = Frontier()
    for leaf in exported:
        frontier.append(leaf.hash)
    assert frontier.head == (await proof_service.latest_checkpoint("demo")).checkpoint.head


@pytest.mark.usefixtures("signed")
async def test_many_events_are_proved_at_once_like_each_alone(
    proof_service: ProofService, admin: Connection[TupleRow]
) -> None:
    positions = [position for position, _ in admin.execute(BYTES, ("demo",)).fetchall()]

    found = await proof_service.inclusions("demo", [*positions, 2, 13])

    assert found.proved == [await proof_service.inclusion("demo", each) for each in positions]
    assert (found.not_signed, found.failed) == ([2, 13], [])  # 2 is another workspace's


@pytest.mark.usefixtures("signed")
async def test_an_event_that_is_not_as_it_was_signed_leaves_the_others_proved(
    proof_service: ProofService, admin: Connection[TupleRow]
) -> None:
    admin.execute("ALTER TABLE integrations.events DISABLE TRIGGER USER")
    admin.execute("UPDATE integrations.events SET envelope = 'forged' WHERE position = 3")

    found = await proof_service.inclusions("demo", [1, 3, 4])

    assert [each.position for each in found.proved] == [1, 4]
    assert (found.not_signed, found.failed) == ([], [3])


# ----- What is refused -----
@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("position", [0, -1, 2, 5, 9, 13, 2**62])
async def test_what_is_not_in_the_workspace_cannot_be_proved(
    proof_service: ProofService, position: int
) -> None:
    with pytest.raises(ProofNotFoundError):
        await proof_service.inclusion("demo", position)  # 2, 5 and 9 are another workspace's


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(("first", "second"), [(0, 1), (2, 1), (1, 9), (9, 9), (-1, 2)])
async def test_trees_that_there_are_not_cannot_be_compared(
    proof_service: ProofService, first: int, second: int
) -> None:
    with pytest.raises(ProofNotFoundError):
        await proof_service.consistency("demo", first, second)


async def test_an_event_that_is_not_signed_yet_cannot_be_proved(
    proof_service: ProofService, signed: Writer
) -> None:
    await signed.append("demo", "int_1", signed.on)
    with pytest.raises(ProofNotFoundError):
        await proof_service.inclusion("demo", 13)
    assert [leaf.position async for leaf in proof_service.leaves("demo")][-1] == 13


@pytest.mark.usefixtures("signed")
async def test_where_nothing_was_signed_there_is_nothing_to_prove(
    proof_service: ProofService,
) -> None:
    for asked in (
        proof_service.latest_checkpoint("new"),
        proof_service.inclusion("new", 1),
        proof_service.consistency("new", 1, 1),
    ):
        with pytest.raises(NoCheckpointError):
            await asked
    assert [leaf async for leaf in proof_service.leaves("new")] == []


DAMAGES: dict[str, tuple[str, Callable[[ProofService], Any]]] = {
    "an edited event": (
        "UPDATE integrations.events SET envelope = 'forged' WHERE position = 3",
        lambda proof_service: proof_service.inclusion("demo", 3),
    ),
    "an edited tree": (
        "UPDATE integrations.audit_tiles SET hashes = set_byte(hashes, 64, 0)",
        lambda proof_service: proof_service.inclusion("demo", 3),
    ),
    "an edited tree between two states": (
        "UPDATE integrations.audit_tiles SET hashes = set_byte(hashes, 64, 0)",
        lambda proof_service: proof_service.consistency("demo", 2, 5),
    ),
    "an event with another sequence": (
        """
        UPDATE integrations.events SET sequence = sequence + 30 WHERE position = 1;
        UPDATE integrations.events SET sequence = 1 WHERE position = 3
        """,
        lambda proof_service: proof_service.inclusion("demo", 3),
    ),
}


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(("statement", "ask"), DAMAGES.values(), ids=DAMAGES)
async def test_a_proof_that_does_not_hold_is_not_handed_out(
    proof_service: ProofService,
    admin: Connection[TupleRow],
    statement: str,
    ask: Callable[[ProofService], Any],
) -> None:
    admin.execute("SET session_replication_role = replica")
    admin.execute(statement.encode())
    with pytest.raises(ProofError):
        await ask(proof_service)


@pytest.mark.usefixtures("signed")
async def test_a_checkpoint_that_another_key_has_signed_is_not_handed_out(
    past: Pool, other_key: CheckpointKey
) -> None:
    with pytest.raises(NoteError):
        await ProofService(past, other_key).latest_checkpoint("demo")


async def test_a_database_that_is_away_is_said(dsn: str, key: CheckpointKey) -> None:
    proof_service = ProofService(open_pool(dsn, "integrations_past"), key)  # not open
    with pytest.raises(UnavailableError):
        await proof_service.latest_checkpoint("demo")
