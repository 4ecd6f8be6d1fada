"""The exported log, a line an event, and its proof without database or service (docs/audit.md).

    {"position":3,"leafIndex":1,"leafHash":"…","bytes":"…"}

Hashes and bytes are base64. The last event that was signed when the export began has the signed
note in the field `checkpoint`.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import WHOLE_LOG, unverified_workspace
from app.audit.errors import AuditError, NoteError
from app.audit.log_sections import StoredCheckpoint
from app.audit.merkle import Frontier, leaf_hash
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


def export_line(position: int, index: int, envelope: bytes, note: str | None = None) -> bytes:
    """Return the line of the event that is the *index*-th (from 0) of its workspace."""
    line = ExportLine(
        position=position,
        leaf_index=index,
        leaf_hash=encode_base64(leaf_hash(envelope)),
        bytes=encode_base64(envelope),
        checkpoint=UNSET if note is None else note,
    )
    return msgspec.json.encode(line) + b"\n"


def verify_export(
    file: BinaryIO, keys: AuditKeys, external: StoredCheckpoint | None = None
) -> ExportProof:
    """Prove the export in *file*, read a line at a time, by its checkpoint and an *external* one.

    Raises:
        ExportError: a line is not as it was signed, or nothing in it is signed.
    """
    verification = ExportVerification(keys, external)
    for raw in read_lines(file):
        verification.add(raw)
    return verification.finish()


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of *file*; of one that is too long the beginning, which is no line."""
    while raw := file.readline(MAX_LINE_BYTES):
        yield raw


class ExportVerification:
    """Builds the tree again from lines, one after the other; mutable, and of constant size."""

    def __init__(self, keys: AuditKeys, external: StoredCheckpoint | None) -> None:
        self._keys = keys
        self._external = external
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
            self._compare(raw, line.checkpoint.encode())
        if self._external and self._external.size == self._frontier.size:
            self._compare(raw, self._external.note)

    def finish(self) -> ExportProof:
        """Return what is proved; raise ExportError if the file ends too early for that."""
        if self._external and self._external.size > self._frontier.size:
            missing = f"{self._external.size} events up to position {self._external.position}"
            raise ExportError(self._end, f"the file ends here; {missing} were signed")
        if self._proof is None:
            what = "the file ends here, before its checkpoint"
            raise ExportError(self._end, f"{what}: it is cut off, or nothing was signed yet")
        return msgspec.structs.replace(self._proof, events=self._frontier.size)

    def _decode(self, raw: bytes) -> ExportLine:
        """Return what *raw* says; a line has one form, so that no byte of it can be another."""
        try:
            line = msgspec.json.decode(raw, type=ExportLine)
            envelope = decode_base64(line.bytes)
        except (msgspec.MsgspecError, UnicodeDecodeError, NoteError):
            raise self._error(raw, DAMAGED) from None
        note = None if line.checkpoint is UNSET else line.checkpoint
        expected = export_line(line.position, line.leaf_index, envelope, note)
        if raw != expected:
            is_hash = line.leaf_hash != encode_base64(leaf_hash(envelope))
            raise self._error(raw, "the event is not that of its hash" if is_hash else DAMAGED)
        return line

    def _compare(self, raw: bytes, note: bytes) -> None:
        """Raise ExportError unless *note* was signed over just the events so far."""
        try:
            name = unverified_workspace(note)
            checkpoint = self._keys.verify(name, note)
        except NoteError as error:
            reason = str(error).removesuffix(".")
            raise self._error(raw, f"the checkpoint here is none of ours: {reason}") from None
        if self._proof and self._proof.name != name:
            raise self._error(raw, f"the checkpoint here is of {log_name(name)}")
        if (checkpoint.head, checkpoint.position) != (self._frontier.head, self._last):
            since = self._proof.position + 1 if self._proof else 1
            what = f"the events from position {since} to here are not those that were signed"
            raise self._error(raw, what)
        self._proof = ExportProof(name, 0, checkpoint.head.size, self._last)

    def _error(self, raw: bytes, what: str) -> ExportError:
        """Return the error that *raw* is wrong, with the position that it claims."""
        claimed = CLAIMED_POSITION.match(raw)
        where = f"position {int(claimed[1])}" if claimed else self._end
        return ExportError(f"{where} (line {self._line})", what)

    @property
    def _end(self) -> str:
        return f"after position {self._last}"


def log_name(name: str) -> str:
    """Return how a person calls the log *name*."""
    return "the whole log" if name == WHOLE_LOG else f"workspace {name}"
