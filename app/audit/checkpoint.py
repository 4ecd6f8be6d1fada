"""Checkpoints: signed states of a workspace's log, as C2SP's tlog-checkpoint defines them.

    integrations/<workspace>      the origin: which log; also the name of the key that signs
    <size>                        how many events the workspace has
    <root>                        base64 of the root hash over their stored bytes, in log order
    position <position>           where in the whole log the last of them stands

One more tree stands over the whole log, in which size and position are the same; its origin is
`integrations`. A workspace's tree binds the order among its own events only, as their bytes do not
hold their positions: that two events of different workspaces changed places shows there alone.

The origin is unique among all that one key signs, as workspaces have one character set without
slash, space and plus. It is no URL, since an installation has no name of its own; two
installations are distinguished by their keys, and nothing is ever believed without a verifier key.

C2SP advises against extension lines because outsiders cannot check them. This one can be checked:
`verify` has the log, and a client with the export has positions. It is of use if the end of a log
was cut off: the size says how many events are gone, only the position says up to where. It
also pins the last event to its position, which is no part of the bytes that are hashed.
"""

import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from app.audit.errors import CheckpointError, CheckpointKeyError
from app.audit.merkle import HASH_BYTES, TreeHead
from app.audit.signed_note import Signer, Verifier, decode_base64, encode_base64, verify_note
from app.tokens.errors import TokenKeyError
from app.tokens.principal import WORKSPACE
from app.tokens.private_key_file import load_key

KEY_FILE_NAME = "audit-key.pem"
WHOLE_LOG = "*"
"""Stands for the whole log where else a workspace does; no workspace can have this name."""
WHOLE_ORIGIN = "integrations"
ORIGIN = re.compile(f"{WHOLE_ORIGIN}(?:/({WORKSPACE.pattern}))?")
MAX_NUMBER = (1 << 63) - 1  # PostgreSQL's bigint
TEXT = re.compile(
    r"(?P<origin>[^\n]+)\n"
    r"(?P<size>0|[1-9][0-9]{0,18})\n"
    r"(?P<root>[^\n]+)\n"
    r"(position (?P<position>[1-9][0-9]{0,18})\n)?"
)


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The tree head of the log `origin`; `position`, from 1, is that of its last event.

    A log without events has no position, and neither has a checkpoint of another C2SP log.

    Raises:
        CheckpointError: the root is no hash, or so many events cannot end there, as each has a
            position of its own.
    """

    origin: str
    head: TreeHead
    position: int | None = None

    def __post_init__(self) -> None:
        size, position = self.head.size, self.position
        last = size if position is None else position
        nothing_ends = size == 0 and position is not None
        if nothing_ends or not 0 <= size <= last <= MAX_NUMBER:
            message = f"{size} events cannot end at position {position}."
            raise CheckpointError(message)
        if len(self.head.root) != HASH_BYTES:
            message = f"A root hash has {HASH_BYTES} bytes."
            raise CheckpointError(message)


def log_origin(workspace: str) -> str:
    """Return the origin of the log of *workspace*, or of the WHOLE_LOG.

    Raises:
        CheckpointError: no workspace can have this name.
    """
    origin = WHOLE_ORIGIN if workspace == WHOLE_LOG else f"{WHOLE_ORIGIN}/{workspace}"
    if not ORIGIN.fullmatch(origin):
        message = "A workspace has 1 to 64 letters, digits, - and _."
        raise CheckpointError(message)
    return origin


def sign_checkpoint(head: TreeHead, position: int | None, signer: Signer) -> bytes:
    """Return the signed note; the same state of the log is always the same bytes.

    The caller has made sure that *head* continues every head that was signed before.

    Raises:
        CheckpointError: size, root and position cannot be those of a log.
    """
    return signer.sign(
        format_checkpoint(Checkpoint(origin=signer.verifier.name, head=head, position=position))
    )


def verify_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Return what *note* says, after *verifier*'s key was seen to have signed it for its own log.

    Raises:
        NoteError: it is no note signed by that key.
        CheckpointError: what is signed is no checkpoint, or one of another log.
    """
    checkpoint = parse_checkpoint(verify_note(note, verifier))
    if checkpoint.origin != verifier.name:
        message = f"The checkpoint is of another log than {verifier.name}."
        raise CheckpointError(message)
    return checkpoint


def unverified_workspace(note: bytes) -> str:
    """Return the workspace that *note* says it is of, or WHOLE_LOG.

    Unverified: only to choose the verifier.

    Raises:
        CheckpointError: it does not begin with an origin of ours.
    """
    first_line = note.partition(b"\n")[0].decode(errors="replace")
    if (match := ORIGIN.fullmatch(first_line)) is None:
        raise CheckpointError
    return match[1] or WHOLE_LOG


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the text of the note that says *checkpoint*."""
    position = "" if checkpoint.position is None else f"position {checkpoint.position}\n"
    root = encode_base64(checkpoint.head.root)
    return f"{checkpoint.origin}\n{checkpoint.head.size}\n{root}\n{position}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return what the text of a note says; raise CheckpointError unless it is canonical."""
    if (match := TEXT.fullmatch(text)) is None:
        raise CheckpointError
    position = match["position"]
    return Checkpoint(
        origin=match["origin"],
        head=TreeHead(int(match["size"]), decode_base64(match["root"])),
        position=None if position is None else int(position),
    )


# ----- The key -----
class CheckpointKey:
    """The Ed25519 key of this installation; signs for each workspace under the name of its log."""

    __slots__ = ("_private_key",)

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key

    @property
    def public_key(self) -> bytes:
        """The public half (32 bytes)."""
        return self._private_key.public_key().public_bytes_raw()

    def signer(self, workspace: str) -> Signer:
        """Return what signs checkpoints of *workspace*; its `verifier` prints as the verifier key.

        Raises:
            CheckpointError: no workspace can have this name.
        """
        return Signer(log_origin(workspace), self._private_key)


def open_checkpoint_key(data_dir: Path, *, create: bool = False) -> CheckpointKey:
    """Return the key in `audit-key.pem` (PKCS #8, 0600) of *data_dir*.

    *create* makes it if it is missing, as only an installation's first start does.

    Raises:
        CheckpointKeyError: the file or the directory cannot be used, others than its owner may
            read or write the file, or it holds no Ed25519 key.
    """
    try:
        return CheckpointKey(load_key(data_dir / KEY_FILE_NAME, "checkpoint key", create=create))
    except TokenKeyError as error:
        raise CheckpointKeyError(str(error)) from None
