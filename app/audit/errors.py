"""What goes wrong with the proof of the log; each message is one line.

AuditError
├── ProofError            a proof does not hold
├── ProofNotFoundError          no tree of that size has such a proof
├── TreeStateError        what was stored of a tree is not whole
├── NoteError             not a signed note, not signed by the given key, or no verifier key
│   └── CheckpointError   the note is signed, but says nothing that is a checkpoint
├── CheckpointKeyError    the signing key cannot be read or made
└── AuditKeyReplacedError another key signs by now
"""


class AuditError(Exception):
    """Something is wrong with the proof of the log."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class ProofError(AuditError):
    """The proof does not hold."""


class ProofNotFoundError(AuditError):
    """There is no such proof."""


class TreeStateError(AuditError):
    """What was stored of the tree is not whole."""


class NoteError(AuditError):
    """The note is not a signed note, or not signed by the given key."""


class CheckpointError(NoteError):
    """The note is no checkpoint of this log."""


class CheckpointKeyError(AuditError):
    """The key that signs checkpoints cannot be used."""


class AuditKeyReplacedError(AuditError):
    """Another key signs the log: copy audit-key.pem from the host where it was rotated."""
