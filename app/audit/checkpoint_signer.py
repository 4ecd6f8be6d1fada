"""Signs checkpoints and verifies stored ones, with a cache of the last one of each tree."""

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import (
    WHOLE_LOG,
    Checkpoint,
    CheckpointKey,
    log_origin,
    sign_checkpoint,
)
from app.audit.merkle import TreeHead

CACHE_SIZE = 4096  # trees; each takes less than a kilobyte


class CheckpointSigner:
    """Remembers the last checkpoint of up to *capacity* trees, byte for byte.

    A tree continues from its last checkpoint each time it grows: without a cache that would be one
    verified signature for each workspace that has changed, every few seconds. A note of other
    bytes is always verified, by the key that signed it: one of *keys*. For one thread at a time.
    """

    def __init__(
        self, key: CheckpointKey, keys: AuditKeys | None = None, capacity: int = CACHE_SIZE
    ) -> None:
        self._key = key
        self._keys = keys or AuditKeys(key.public_key)
        self._capacity = capacity
        self._known: dict[str, tuple[bytes, Checkpoint]] = {}

    @property
    def verifier_key(self) -> str:
        """The verifier key, for the whole log, of what it signs."""
        return str(self._key.signer(WHOLE_LOG).verifier)

    def verify(self, tree: str, note: bytes) -> Checkpoint:
        """Return what *note* says, which one of the keys has signed for *tree*.

        Raises:
            NoteError, CheckpointError: it is no such note.
        """
        known = self._known.get(tree)
        if known is not None and known[0] == note:
            return known[1]
        checkpoint = self._keys.verify(tree, note)
        self._remember(tree, note, checkpoint)
        return checkpoint

    def sign(self, tree: str, head: TreeHead, position: int) -> bytes:
        """Return the signed note; *head* continues all that was signed of *tree* before."""
        checkpoint = Checkpoint(origin=log_origin(tree), head=head, position=position)
        note = sign_checkpoint(head, position, self._key.signer(tree))
        self._remember(tree, note, checkpoint)
        return note

    def _remember(self, tree: str, note: bytes, checkpoint: Checkpoint) -> None:
        """Remember *note* in place of the last one of *tree*; the oldest makes room."""
        self._known.pop(tree, None)
        self._known[tree] = note, checkpoint
        if len(self._known) > self._capacity:
            del self._known[next(iter(self._known))]
