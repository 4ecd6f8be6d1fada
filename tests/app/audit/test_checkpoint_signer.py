"""A checkpoint signer knows again what it has signed or opened, byte for byte, and nothing else."""

import pytest

from app.audit.checkpoint import CheckpointKey, verify_checkpoint
from app.audit.checkpoint_signer import CheckpointSigner
from app.audit.errors import CheckpointError, NoteError
from app.audit.merkle import EMPTY_ROOT, TreeHead

HEAD, GROWN = TreeHead(1, EMPTY_ROOT), TreeHead(2, EMPTY_ROOT)


def test_what_it_signs_everybody_can_open(key: CheckpointKey) -> None:
    note = CheckpointSigner(key).sign("demo", HEAD, 4)
    checkpoint = verify_checkpoint(note, key.signer("demo").verifier)
    assert (checkpoint.head, checkpoint.position) == (HEAD, 4)


def test_what_it_has_signed_or_opened_it_knows_again(
    key: CheckpointKey, checkpoint_signer: CheckpointSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = CheckpointSigner(key)
    note = checkpoint_signer.sign("demo", HEAD, 4)
    opened = other.verify("demo", note)
    monkeypatch.delattr("app.audit.audit_keys.verify_checkpoint")
    assert checkpoint_signer.verify("demo", note) == other.verify("demo", note) == opened


@pytest.mark.parametrize("forged", [(b"position 4", b"position 5"), (b"=\n", b"A=\n")])
def test_a_note_of_other_bytes_is_verified_whatever_it_remembers(
    checkpoint_signer: CheckpointSigner, forged: tuple[bytes, bytes]
) -> None:
    note = checkpoint_signer.sign("demo", HEAD, 4)
    with pytest.raises(NoteError):
        checkpoint_signer.verify("demo", note.replace(*forged))


def test_a_note_of_one_tree_is_none_of_another(checkpoint_signer: CheckpointSigner) -> None:
    note = checkpoint_signer.sign("demo", HEAD, 4)
    checkpoint_signer.sign("other", HEAD, 5)
    with pytest.raises(NoteError):
        checkpoint_signer.verify("other", note)


def test_an_earlier_note_is_opened_as_what_it_is(checkpoint_signer: CheckpointSigner) -> None:
    earlier = checkpoint_signer.sign("demo", HEAD, 4)
    checkpoint_signer.sign("demo", GROWN, 5)
    assert checkpoint_signer.verify("demo", earlier).head == HEAD


def test_it_signs_for_no_tree_that_cannot_be(checkpoint_signer: CheckpointSigner) -> None:
    with pytest.raises(CheckpointError):
        checkpoint_signer.sign("a/b", HEAD, 4)


def test_it_forgets_the_tree_that_has_not_grown_for_longest(
    key: CheckpointKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_signer = CheckpointSigner(key, capacity=2)
    notes = {tree: checkpoint_signer.sign(tree, HEAD, 4) for tree in ("one", "two")}
    notes["one"] = checkpoint_signer.sign("one", GROWN, 5)
    notes["three"] = checkpoint_signer.sign("three", HEAD, 6)
    monkeypatch.delattr("app.audit.audit_keys.verify_checkpoint")  # to verify fails
    for tree in ("one", "three"):
        checkpoint_signer.verify(tree, notes[tree])
    with pytest.raises(NameError):
        checkpoint_signer.verify("two", notes["two"])
