"""The notary knows again what it has signed or opened, byte for byte, and nothing else."""

import pytest

from app.audit.checkpoint import CheckpointKey, open_checkpoint
from app.audit.checkpoint_signer import Notary
from app.audit.errors import CheckpointError, NoteError
from app.audit.merkle import EMPTY_ROOT, TreeHead

HEAD, GROWN = TreeHead(1, EMPTY_ROOT), TreeHead(2, EMPTY_ROOT)


def test_what_it_signs_everybody_can_open(key: CheckpointKey) -> None:
    note = Notary(key).sign("demo", HEAD, 4)
    checkpoint = open_checkpoint(note, key.signer("demo").verifier)
    assert (checkpoint.head, checkpoint.position) == (HEAD, 4)


def test_what_it_has_signed_or_opened_it_knows_again(
    key: CheckpointKey, notary: Notary, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Notary(key)
    note = notary.sign("demo", HEAD, 4)
    opened = other.open("demo", note)
    monkeypatch.delattr("app.audit.checkpoint_signer.open_checkpoint")
    assert notary.open("demo", note) == other.open("demo", note) == opened


@pytest.mark.parametrize("forged", [(b"position 4", b"position 5"), (b"=\n", b"A=\n")])
def test_a_note_of_other_bytes_is_verified_whatever_it_remembers(
    notary: Notary, forged: tuple[bytes, bytes]
) -> None:
    note = notary.sign("demo", HEAD, 4)
    with pytest.raises(NoteError):
        notary.open("demo", note.replace(*forged))


def test_a_note_of_one_tree_is_none_of_another(notary: Notary) -> None:
    note = notary.sign("demo", HEAD, 4)
    notary.sign("other", HEAD, 5)
    with pytest.raises(NoteError):
        notary.open("other", note)


def test_an_earlier_note_is_opened_as_what_it_is(notary: Notary) -> None:
    earlier = notary.sign("demo", HEAD, 4)
    notary.sign("demo", GROWN, 5)
    assert notary.open("demo", earlier).head == HEAD


def test_it_signs_for_no_tree_that_cannot_be(notary: Notary) -> None:
    with pytest.raises(CheckpointError):
        notary.sign("a/b", HEAD, 4)


def test_it_forgets_the_tree_that_has_not_grown_for_longest(
    key: CheckpointKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    notary = Notary(key, capacity=2)
    notes = {tree: notary.sign(tree, HEAD, 4) for tree in ("one", "two")}
    notes["one"] = notary.sign("one", GROWN, 5)
    notes["three"] = notary.sign("three", HEAD, 6)
    monkeypatch.delattr("app.audit.checkpoint_signer.open_checkpoint")  # whoever verifies, fails
    for tree in ("one", "three"):
        notary.open(tree, notes[tree])
    with pytest.raises(NameError):
        notary.open("two", notes["two"])
