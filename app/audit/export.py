"""The exported log, a line an event, and its proof without database or service (docs/audit.md).

    {"position":3,"leafIndex":1,"leafHash":"…","bytes":"…"}

Hashes and bytes are base64. The last event that was signed when the export began has the signed
note in the field `checkpoint`, and in `keyChanges` the notes by which a key that signed before
vouches for the one that signed it, if there are any.
"""

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import WHOLE_LOG, Checkpoint, unverified_workspace
from app.audit.errors import AuditError, NoteError
from app.audit.log_sections import StoredCheckpoint
from app.audit.merkle import Frontier, TreeHead, leaf_hash
from app.audit.signed_note import decode_base64, encode_base64

MAX_LINE_BYTES = 1 << 20  # an event is a few kilobytes, a note 130 at most
DAMAGED = "the line is cut off or damaged"
CLAIMED_POSITION = re.compile(rb'\{"position":([0-9]{1,18}),')


class ExportLine(Struct, rename="camel", forbid_unknown_fields=True):
    """An event's stored bytes, their leaf in the tree, and the note over all up to here."""

    position: int
    leaf_index: int
    leaf_hash: str
    bytes: str
    checkpoint: str | UnsetType = UNSET
    key_changes: list[str] | UnsetType = UNSET


class ExportError(AuditError):
    """The export is not what was signed; says where first, and what is wrong."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")


class ExportProof(Struct, frozen=True):
    """That the first `signed` of `events` are those of `name` up to `position`, as was signed."""

    name: str
    events: int
    signed: int
    position: int


def export_line(
    position: int,
    index: int,
    envelope: bytes,
    note: str | None = None,
    key_changes: Sequence[str] = (),
) -> bytes:
    """Return the line of the event that is the *index*-th (from 0) of its workspace."""
    line = ExportLine(
        position=position,
        leaf_index=index,
        leaf_hash=encode_base64(leaf_hash(envelope)),
        bytes=encode_base64(envelope),
        checkpoint=UNSET if note is None else note,
        key_changes=[*key_changes] or UNSET,
    )
    return msgspec.json.encode(line) + b"\n"


def verify_export(
    file: BinaryIO, public_key: bytes, external: StoredCheckpoint | None = None
) -> ExportProof:
    """Prove the export in *file*, read a line at a time, by its checkpoint and an *external* one.

    Trusted are *public_key* and the keys that it vouches for.

    Raises:
        ExportError: a line is not as it was signed, or nothing in it is signed.
        NoteError: the external checkpoint is of another log.
    """
    verification = ExportVerification(public_key, external)
    for raw in read_lines(file):
        verification.add(raw)
    return verification.finish()


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of *file*; of one that is too long the beginning, which is no line."""
    while raw := file.readline(MAX_LINE_BYTES):
        yield raw


class ExportVerification:
    """Builds the tree again from lines, one after the other; mutable, and of constant size."""

    def __init__(self, public_key: bytes, external: StoredCheckpoint | None) -> None:
        self._keys = AuditKeys(public_key)
        self._external = external
        self._external_head: tuple[TreeHead, int] | None = None
        self._frontier = Frontier()
        self._line = 0
        self._last = 0
        self._proof: ExportProof | None = None

    def add(self, raw: bytes) -> None:
        """Add the next line; raise ExportError if it cannot be that."""
        self._line += 1
        line = self._decode(raw)
        if line.leaf_index != self._frontier.size:
            what = f"event {line.leaf_index + 1} is where event {self._frontier.size + 1} belongs"
            raise self._error(raw, what)
        if line.position <= self._last:
            raise self._error(raw, f"the event before it has position {self._last}")
        self._frontier.append(decode_base64(line.leaf_hash))
        self._last = line.position
        if line.checkpoint is not UNSET:
            changes = [] if line.key_changes is UNSET else line.key_changes
            head = (self._frontier.head, self._last)
            self._compare(self._where(raw), line.checkpoint.encode(), head, changes)
        if self._external and self._external.size == self._frontier.size:
            self._external_head = (self._frontier.head, self._last)

    def finish(self) -> ExportProof:
        """Return what is proved; raise ExportError if the file ends too early for that."""
        if self._external:
            self._finish_external(self._external)
        if self._proof is None:
            what = "the file ends here, before its checkpoint"
            raise ExportError(self._end, f"{what}: it is cut off, or nothing was signed yet")
        return msgspec.structs.replace(self._proof, events=self._frontier.size)

    def _finish_external(self, external: StoredCheckpoint) -> None:
        """Compare with *external* at the end, when all changes of the key are known."""
        name, _ = self._verify(self._end, external.note, [])
        if self._proof and self._proof.name != name:
            here = log_name(self._proof.name)
            message = f"The kept checkpoint is of {log_name(name)}; one of {here} is needed."
            raise NoteError(message)
        if self._external_head is None:
            missing = f"{external.size} events up to position {external.position}"
            raise ExportError(self._end, f"the file ends here; {missing} were signed")
        where = f"position {self._external_head[1]}"
        self._compare(where, external.note, self._external_head, [])

    def _decode(self, raw: bytes) -> ExportLine:
        """Return what *raw* says; a line has one form, so that no byte of it can be another."""
        try:
            line = msgspec.json.decode(raw, type=ExportLine)
            envelope = decode_base64(line.bytes)
        except (msgspec.MsgspecError, UnicodeDecodeError, NoteError):
            raise self._error(raw, DAMAGED) from None
        note = None if line.checkpoint is UNSET else line.checkpoint
        changes = () if line.key_changes is UNSET else line.key_changes
        expected = export_line(line.position, line.leaf_index, envelope, note, changes)
        if raw != expected:
            is_hash = line.leaf_hash != encode_base64(leaf_hash(envelope))
            raise self._error(raw, "the event is not that of its hash" if is_hash else DAMAGED)
        return line

    def _compare(
        self, where: str, note: bytes, head: tuple[TreeHead, int], key_changes: Sequence[str]
    ) -> None:
        """Raise ExportError unless *note* was signed over just the events up to *head*."""
        name, checkpoint = self._verify(where, note, key_changes)
        if self._proof and self._proof.name != name:
            raise ExportError(where, f"the checkpoint here is of {log_name(name)}")
        if (checkpoint.head, checkpoint.position) != head:
            since = self._proof.position if self._proof else 0
            since = since + 1 if since < head[1] else 1
            what = f"the events from position {since} to here are not those that were signed"
            raise ExportError(where, what)
        signed, position = head[0].size, head[1]
        if self._proof is None or signed > self._proof.signed:
            self._proof = ExportProof(name, 0, signed, position)

    def _verify(
        self, where: str, note: bytes, key_changes: Sequence[str]
    ) -> tuple[str, Checkpoint]:
        """Return of which log *note* is, and what it says; raise ExportError if it is none."""
        try:
            if key_changes:
                self._keys = AuditKeys.trusting(self._keys.public_key, key_changes)
            name = unverified_workspace(note)
            return name, self._keys.verify(name, note)
        except NoteError as error:
            reason = str(error).removesuffix(".")
            what = f"the checkpoint here is none of ours: {reason}"
            raise ExportError(where, what) from None

    def _where(self, raw: bytes) -> str:
        """Return the position that *raw* claims, and the number of its line."""
        claimed = CLAIMED_POSITION.match(raw)
        place = f"position {int(claimed[1])}" if claimed else self._end
        return f"{place} (line {self._line})"

    def _error(self, raw: bytes, what: str) -> ExportError:
        return ExportError(self._where(raw), what)

    @property
    def _end(self) -> str:
        return f"after position {self._last}"


def log_name(name: str) -> str:
    """Return how a person calls the log *name*."""
    return "the whole log" if name == WHOLE_LOG else f"workspace {name}"
