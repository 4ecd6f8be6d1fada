"""Changes of the audit key: signed notes that let a kept verifier key vouch for later ones.

    integrations audit key rotated          or `lost`
    position <position>                     up to which the former key signs
    former <verifier key>
    successor <verifier key>

    — integrations <the former key's signature; missing if the key was lost>
    — integrations <the successor's>

The first line is no origin of a log, so that no such note can be taken for a checkpoint. The
successor signs, too: it has the private key, and says itself what it follows.
"""

import re
from collections.abc import Sequence

from msgspec import Struct
from psycopg import AsyncConnection

from app.audit.checkpoint import WHOLE_LOG, WHOLE_ORIGIN, CheckpointKey
from app.audit.errors import NoteError
from app.audit.signed_note import Verifier, parse_note, parse_verifier, verify_note

READ_SQL = "SELECT note FROM integrations.audit_key_changes ORDER BY number"
TEXT = re.compile(
    r"integrations audit key (?P<how>rotated|lost)\n"
    r"position (?P<position>[1-9][0-9]{0,18})\n"
    r"former (?P<former>[^\n]+)\n"
    r"successor (?P<successor>[^\n]+)\n"
)


class KeyChange(Struct, frozen=True):
    """Up to `position` the key `former` signs, then `successor`; each 32 bytes of Ed25519."""

    position: int
    former: bytes
    successor: bytes
    is_lost: bool = False

    @property
    def text(self) -> str:
        """The text of the note."""
        return (
            f"integrations audit key {'lost' if self.is_lost else 'rotated'}\n"
            f"position {self.position}\n"
            f"former {Verifier(WHOLE_ORIGIN, self.former)}\n"
            f"successor {Verifier(WHOLE_ORIGIN, self.successor)}\n"
        )


def sign_key_change(
    position: int, former: CheckpointKey | Verifier, successor: CheckpointKey
) -> bytes:
    """Return the note that *successor* signs after *position*; of a lost key only the verifier."""
    is_lost = isinstance(former, Verifier)
    change = KeyChange(position, former.public_key, successor.public_key, is_lost)
    keys = [successor] if isinstance(former, Verifier) else [former, successor]
    notes = [key.signer(WHOLE_LOG).sign(change.text) for key in keys]
    signatures = [note.removeprefix(change.text.encode() + b"\n") for note in notes]
    return change.text.encode() + b"\n" + b"".join(signatures)


def verify_key_change(note: bytes) -> KeyChange:
    """Return what *note* says; raise NoteError unless the keys that it names have signed it."""
    text, _ = parse_note(note)
    if (match := TEXT.fullmatch(text)) is None:
        message = "The note is no change of the audit key."
        raise NoteError(message)
    former, successor = parse_verifier(match["former"]), parse_verifier(match["successor"])
    is_lost = match["how"] == "lost"
    for verifier in (successor,) if is_lost else (former, successor):
        verify_note(note, Verifier(WHOLE_ORIGIN, verifier.public_key))
    change = KeyChange(int(match["position"]), former.public_key, successor.public_key, is_lost)
    if change.text != text:
        message = "The note is a change of the audit key of another log."
        raise NoteError(message)
    return change


async def read_key_changes(connection: AsyncConnection) -> Sequence[str]:
    """Return the notes of all changes of the audit key, oldest first; most logs have none."""
    return [note for (note,) in await (await connection.execute(READ_SQL)).fetchall()]
