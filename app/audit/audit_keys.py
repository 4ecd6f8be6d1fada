"""The public keys that verify the checkpoints of this log, one after the other."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from app.audit.checkpoint import Checkpoint, log_origin, parse_checkpoint, verify_checkpoint
from app.audit.errors import NoteError
from app.audit.key_changes import KeyChange, verify_key_change
from app.audit.signed_note import MAX_NOTE_BYTES, Verifier, parse_note, parse_verifier


class AuditKeys(Struct, frozen=True):
    """All keys that a trusted one (`public_key`, 32 bytes of Ed25519) vouches for.

    Each signs for each workspace under the name of its log, and up to the position of the change
    that replaces it. A key vouches for its successor, unless it was lost, and its predecessor.
    """

    public_key: bytes
    changes: Sequence[KeyChange] = ()

    @classmethod
    def trusting(cls, public_key: bytes, notes: Sequence[str]) -> "AuditKeys":
        """Return the keys of a log whose keys have changed as the *notes* say, oldest first.

        Raises:
            NoteError: a note is not signed by the keys that it names, or does not follow the one
                before it.
        """
        changes = [verify_key_change(note.encode()) for note in notes]
        for one, following in pairwise(changes):
            if one.successor != following.former or one.position > following.position:
                message = f"The audit key changed to another one at position {one.position}."
                raise NoteError(message)
        return cls(public_key, changes)

    def verifier(self, workspace: str, position: int | None = None) -> Verifier:
        """Return what verifies a checkpoint of *workspace* at *position*, else by the trusted key.

        Raises:
            CheckpointError: no workspace can have this name.
            NoteError: the trusted key does not vouch for the one that signs there.
        """
        key = self.public_key if position is None else self._key_at(position)
        return Verifier(log_origin(workspace), key)

    def verify(self, workspace: str, note: bytes) -> Checkpoint:
        """Return what *note* says, which must be signed for the log of *workspace*.

        Raises:
            NoteError, CheckpointError: it is no such note.
        """
        text, _ = parse_note(note)
        return verify_checkpoint(note, self.verifier(workspace, parse_checkpoint(text).position))

    @property
    def lost_after(self) -> tuple[int, ...]:
        """The positions after which a key signs that its lost predecessor did not vouch for."""
        return tuple(change.position for change in self.changes if change.is_lost)

    def _key_at(self, position: int) -> bytes:
        keys = [*(each.former for each in self.changes[:1]), *(c.successor for c in self.changes)]
        if self.public_key not in keys:
            return self.public_key
        signing = sum(change.position < position for change in self.changes)
        for change in self.changes[keys.index(self.public_key) : signing]:
            if change.is_lost:
                message = (
                    f"The audit key was lost after position {change.position}, and did not sign"
                    " its successor; verify with a key from after that."
                )
                raise NoteError(message)
        return keys[signing]


def read_verifier_key(file: Path) -> bytes:
    """Return the key in *file*, as `integrations checkpoint --key` prints it for any workspace.

    Raises:
        NoteError: it holds anything else.
    """
    with file.open("rb") as opened:
        text = opened.read(MAX_NOTE_BYTES).decode(errors="replace").strip()
    try:
        public_key = parse_verifier(text).public_key
        Ed25519PublicKey.from_public_bytes(public_key)
    except (NoteError, ValueError):
        message = f"{file} holds no verifier key: integrations checkpoint --key prints it."
        raise NoteError(message) from None
    return public_key
