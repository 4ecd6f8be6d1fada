"""A checkpoint outside the service shows that its log was set back or replaced."""

from collections.abc import Awaitable, Callable

import pytest

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import WHOLE_LOG, CheckpointKey
from app.audit.errors import CheckpointError
from app.audit.log_sections import StoredCheckpoint
from app.audit.tree_verification import Finding
from app.audit.verify import (
    VerificationResult,
    VerifyError,
    external_checkpoint,
    latest_note,
    verify_scope,
)
from tests.app.audit.conftest import Tamper, Writer, rewritten

Verify = Callable[..., Awaitable[VerificationResult]]
KeptOf = Callable[[str], Awaitable[StoredCheckpoint]]
Backup = Callable[[], Callable[[], None]]


@pytest.fixture
def kept_of(dsn: str, key: CheckpointKey) -> KeptOf:
    """Keep the newest checkpoint of a workspace, or of the whole log."""

    async def kept(name: str) -> StoredCheckpoint:
        return external_checkpoint(
            (await latest_note(dsn, name)).encode(), AuditKeys(key.public_key)
        )

    return kept


@pytest.mark.parametrize("name", [WHOLE_LOG, "demo", "other"])
async def test_a_log_set_back_as_a_whole_is_found_by_whoever_kept_a_checkpoint(
    half_signed: Writer, kept_of: KeptOf, verifying: Verify, backup: Backup, name: str
) -> None:
    set_back = backup()
    await half_signed.append("demo", "int_1", half_signed.off)
    await half_signed.append("other", "int_1", half_signed.on)
    await half_signed.follow()
    kept = await kept_of(name)
    assert (await verifying(external=kept)).first is None
    set_back()
    assert (await verifying()).first is None
    first = (await verifying(external=kept)).first
    assert first is not None
    assert first.position == 9
    assert "the log ends before here" in first.what


async def test_another_log_of_the_same_key_is_found_by_whoever_kept_a_checkpoint(
    half_signed: Writer, kept_of: KeptOf, verifying: Verify, tamper: Tamper
) -> None:
    kept = await kept_of(WHOLE_LOG)
    tamper(
        *rewritten(3, '"requestId":null', '"requestId":"forged"'),
        "DELETE FROM audit_tiles",
        "DELETE FROM audit_checkpoints",
        "UPDATE audit_follower SET position = 0",
    )
    await half_signed.append("demo", "int_1", half_signed.off)
    await half_signed.follow()  # it has nothing to continue: all is signed again, as it is
    assert (await verifying()).first is None
    what = "the events of integrations from position 1 to here are not those that were signed"
    assert ((await verifying(external=kept)).first or Finding(0, "")).what == what


@pytest.mark.usefixtures("signed")
async def test_a_checkpoint_by_another_key_is_none(
    dsn: str, key: CheckpointKey, other_key: CheckpointKey
) -> None:
    note = (await latest_note(dsn, "demo")).encode()
    assert external_checkpoint(note, AuditKeys(key.public_key)).size == 8
    with pytest.raises(Exception, match="not signed by the key"):
        external_checkpoint(note, AuditKeys(other_key.public_key))
    with pytest.raises(CheckpointError):
        external_checkpoint(b"anything", AuditKeys(key.public_key))


@pytest.mark.usefixtures("signed")
async def test_a_workspace_is_not_verified_by_the_checkpoint_of_another(kept_of: KeptOf) -> None:
    kept = await kept_of("demo")
    assert verify_scope("demo", kept).external == kept
    with pytest.raises(VerifyError, match="is of demo"):
        verify_scope("other", kept)


async def test_where_nothing_was_signed_there_is_no_checkpoint_to_keep(dsn: str) -> None:
    with pytest.raises(VerifyError, match="no checkpoint yet"):
        await latest_note(dsn, WHOLE_LOG)
