"""The public keys that verify the checkpoints of this log."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from app.audit.checkpoint import Checkpoint, log_origin, verify_checkpoint
from app.audit.errors import NoteError
from app.audit.signed_note import MAX_NOTE_BYTES, Verifier, parse_verifier


class AuditKeys(Struct, frozen=True):
    """The Ed25519 public key (32 bytes) that signs for each workspace under its log's name."""

    public_key: bytes

    def verifier(self, workspace: str) -> Verifier:
        """Return what verifies checkpoints of *workspace*; it prints as a verifier key.

        Raises:
            CheckpointError: no workspace can have this name.
        """
        return Verifier(log_origin(workspace), self.public_key)

    def verify(self, workspace: str, note: bytes) -> Checkpoint:
        """Return what *note* says, which must be signed for the log of *workspace*.

        Raises:
            NoteError, CheckpointError: it is no such note.
        """
        return verify_checkpoint(note, self.verifier(workspace))


def read_verifier_key(file: Path) -> AuditKeys:
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
    return AuditKeys(public_key)
