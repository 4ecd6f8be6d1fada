"""Which key signs where, and which of them a trusted one vouches for."""

from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import CheckpointKey, parse_checkpoint, sign_checkpoint
from app.audit.errors import CheckpointError, NoteError
from app.audit.key_changes import KeyChange, sign_key_change, verify_key_change
from app.audit.merkle import EMPTY_ROOT, TreeHead
from app.audit.signed_note import Verifier, parse_note

A, B, C, D = (
    CheckpointKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in range(4)
)
TO_B = sign_key_change(10, A, B).decode()
TO_C = sign_key_change(20, B, C).decode()
LOST_B = sign_key_change(20, Verifier("integrations", B.public_key), C).decode()
ROTATED, LOST = (TO_B, TO_C), (TO_B, LOST_B)


def note(key: CheckpointKey, position: int, workspace: str = "demo") -> bytes:
    return sign_checkpoint(TreeHead(1, EMPTY_ROOT), position, key.signer(workspace))


@pytest.mark.parametrize("trusted", [A, B, C])
@pytest.mark.parametrize(
    ("position", "signer"), [(1, A), (10, A), (11, B), (20, B), (21, C), (10**18, C)]
)
def test_each_key_that_was_rotated_vouches_for_all(
    trusted: CheckpointKey, position: int, signer: CheckpointKey
) -> None:
    keys = AuditKeys.trusting(trusted.public_key, ROTATED)
    for workspace in ("demo", "*"):
        assert keys.verify(workspace, note(signer, position, workspace)).position == position
    for other in {A, B, C, D} - {signer}:
        with pytest.raises(NoteError):
            keys.verify("demo", note(other, position))


def test_a_lost_key_vouches_for_no_successor_and_each_successor_for_what_was_before() -> None:
    for trusted in (A, B):
        keys = AuditKeys.trusting(trusted.public_key, LOST)
        assert keys.verify("demo", note(B, 20)).position == 20
        with pytest.raises(NoteError, match="The audit key was lost after position 20"):
            keys.verify("demo", note(C, 21))
    keys = AuditKeys.trusting(C.public_key, LOST)
    for signer, position in ((A, 10), (B, 20), (C, 21)):
        assert keys.verify("demo", note(signer, position)).position == position
    assert keys.lost_after == (20,)


def test_a_key_that_is_none_of_them_verifies_what_it_signed_alone() -> None:
    keys = AuditKeys.trusting(D.public_key, ROTATED)
    assert keys.verify("demo", note(D, 15)).position == 15
    with pytest.raises(NoteError):
        keys.verify("demo", note(B, 15))


@pytest.mark.parametrize(
    "notes",
    [
        (TO_C, TO_B),
        (TO_B, sign_key_change(20, D, C).decode()),
        (TO_B, sign_key_change(9, B, C).decode()),
        (TO_B, TO_B),
        (TO_B, "anything"),
        (note(A, 10).decode(),),
        (TO_B.replace("position 10", "position 11"),),
        (TO_B.replace("rotated", "lost"),),
        (LOST_B.replace("lost", "rotated"),),
        ("\n".join([*TO_B.split("\n")[:5], TO_B.split("\n")[6], ""]),),  # without A's signature
        ("\n".join([*TO_B.split("\n")[:6], ""]),),  # without B's
    ],
)
def test_a_chain_that_is_not_whole_is_refused(notes: Sequence[str]) -> None:
    with pytest.raises(NoteError):
        AuditKeys.trusting(A.public_key, notes)


def test_a_change_says_what_was_signed_and_is_no_checkpoint() -> None:
    assert verify_key_change(TO_B.encode()) == KeyChange(10, A.public_key, B.public_key)
    assert verify_key_change(LOST_B.encode()).is_lost
    for change in (TO_B, LOST_B):
        text, _ = parse_note(change.encode())
        with pytest.raises(CheckpointError):
            parse_checkpoint(text)
