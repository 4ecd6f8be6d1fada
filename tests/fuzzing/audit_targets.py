"""Signed notes, checkpoints, verifier keys and proofs."""

from io import BytesIO

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import (
    WHOLE_LOG,
    CheckpointKey,
    format_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
    unverified_workspace,
    verify_checkpoint,
)
from app.audit.errors import CheckpointError, NoteError, ProofError
from app.audit.export import ExportError, ExportLine, ExportProof, export_line, verify_export
from app.audit.key_changes import sign_key_change, verify_key_change
from app.audit.merkle import HASH_BYTES, Frontier, TreeHead, leaf_hash
from app.audit.proofs import (
    assemble_proof,
    consistency_plan,
    inclusion_plan,
    verify_consistency,
    verify_inclusion,
)
from app.audit.signed_note import parse_note, parse_verifier
from app.audit.tiles import grow, stored_frontier
from app.audit.verify import external_checkpoint
from tests.fuzzing.target import Target, require

KEY = CheckpointKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
SIGNER = KEY.signer("demo")
EVENTS = [b"event %d" % number for number in range(11)]
LEAVES = [leaf_hash(event) for event in EVENTS]
TREE = Frontier()
TILES = grow(TREE, LEAVES)
NOTE = sign_checkpoint(TREE.head, 12, SIGNER)
TEXT, _, _ = NOTE.rpartition(b"\n\n")
NUMBER_BYTES = 8
FORMER = CheckpointKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
KEY_CHANGES = (
    sign_key_change(5, FORMER, KEY),
    sign_key_change(5, FORMER.signer(WHOLE_LOG).verifier, KEY),
)
EXPORT = [export_line(number + 2, number, event) for number, event in enumerate(EVENTS[:-1])] + [
    export_line(12, 10, EVENTS[10], NOTE.decode(), [KEY_CHANGES[0].decode()]),
    export_line(20, 11, b"not signed yet"),
]


def read_note(data: bytes) -> None:
    """Read a note without checking its signatures, and write it again."""
    text, signatures = parse_note(data)
    require(text.endswith("\n") and bool(signatures), "a note has a text and a signature")


def read_checkpoint(data: bytes) -> None:
    """Read the text of a checkpoint, and write it again."""
    text = data.decode(errors="surrogateescape")
    require(format_checkpoint(parse_checkpoint(text)) == text, "one checkpoint, one text")


def read_kept_checkpoint(data: bytes) -> None:
    """Read an external checkpoint; only what was signed is accepted."""
    require(
        external_checkpoint(data, AuditKeys(KEY.public_key)).note == data == NOTE,
        "nobody but the signer signs",
    )


def read_signed(data: bytes) -> None:
    """Read as a checkpoint what its signer has signed, whatever it was."""
    verify_checkpoint(SIGNER.sign(data.decode(errors="surrogateescape")), SIGNER.verifier)


def read_verifier(data: bytes) -> None:
    """Read a verifier key, and write it again."""
    text = data.decode(errors="replace")
    require(str(parse_verifier(text)) == text, "one verifier key, one text")


def read_key_change(data: bytes) -> None:
    """Read a change of the audit key; only what was signed is accepted."""
    texts = [parse_note(note)[0] for note in KEY_CHANGES]
    require(verify_key_change(data).text in texts, "nobody but the keys sign their change")


def read_signed_key_change(data: bytes) -> None:
    """Read as a change of the audit key what its successor has signed, whatever it was."""
    text = data.decode(errors="surrogateescape")
    change = verify_key_change(KEY.signer(WHOLE_LOG).sign(text))
    require(change.text == text and change.is_lost, "one change, one text")


def read_export(data: bytes) -> None:
    """Prove an export by the key before the one that signed it; only what was signed is proved."""
    proof = verify_export(BytesIO(data), FORMER.public_key)
    require(proof == ExportProof("demo", proof.events, 11, 12), "only what was signed is proved")
    lines = [msgspec.json.decode(line, type=ExportLine) for line in data.splitlines()]
    true = [msgspec.json.decode(line, type=ExportLine).bytes for line in EXPORT[:11]]
    require([line.bytes for line in lines[:11]] == true, "an event is as it was signed")


def read_inclusion(data: bytes) -> None:
    """Check a proof that a leaf is in the tree: only the true one is taken."""
    index, proof = leading_number(data), split_hashes(data[NUMBER_BYTES:])
    verify_inclusion(LEAVES[index % len(LEAVES)], index, proof, TREE.head)
    true = assemble_proof(inclusion_plan(index, TREE.size), TILES)
    require(proof == true, "a leaf has one proof")


def read_consistency(data: bytes) -> None:
    """Check a proof that the tree continues a smaller one: only the true one is taken."""
    size, (root, *proof) = leading_number(data), split_hashes(data[NUMBER_BYTES:]) or [b""]
    verify_consistency(TreeHead(size, root), TREE.head, proof)
    true = assemble_proof(consistency_plan(size, TREE.size), TILES)
    require((root, proof) == (stored_frontier(size, TILES).head.root, true), "a tree has one proof")


def leading_number(data: bytes) -> int:
    """Return the number that *data* begins with."""
    return int.from_bytes(data[:NUMBER_BYTES], signed=True)


def split_hashes(data: bytes) -> list[bytes]:
    """Return *data* in pieces as long as a hash; the last may be shorter."""
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]


def encode_inclusion(index: int) -> bytes:
    """Return a true proof as `read_inclusion` takes it."""
    proof = assemble_proof(inclusion_plan(index, TREE.size), TILES)
    return index.to_bytes(NUMBER_BYTES) + b"".join(proof)


def encode_consistency(size: int) -> bytes:
    """Return a true proof as `read_consistency` takes it."""
    proof = assemble_proof(consistency_plan(size, TREE.size), TILES)
    return size.to_bytes(NUMBER_BYTES) + stored_frontier(size, TILES).head.root + b"".join(proof)


SIGNED = (NOTE, KEY.signer("*").sign("integrations\n0\n" + NOTE.decode().split("\n")[2] + "\n"))
WORDS = ("— ".encode(), b"\n\n", b"\n", b"+", b"=", b"position 9\n", b"18446744073709551616")
KEY_WORDS = (*WORDS, b"rotated", b"lost", b"former ", b"successor ", b"position ")
TARGETS = (
    Target(name="note", read=read_note, refusals=(NoteError,), examples=SIGNED, words=WORDS),
    Target(
        name="checkpoint",
        read=read_checkpoint,
        refusals=(NoteError,),
        examples=(TEXT + b"\n",),
        words=WORDS,
        discreet=False,
    ),
    Target(
        name="stored-checkpoint",
        read=read_kept_checkpoint,
        refusals=(NoteError,),
        examples=SIGNED,
        words=WORDS,
        discreet=False,
    ),
    Target(
        name="signed-checkpoint",
        read=read_signed,
        refusals=(NoteError,),
        examples=(TEXT + b"\n",),
        words=WORDS,
        discreet=False,
    ),
    Target(
        name="claimed-workspace",
        read=unverified_workspace,
        refusals=(CheckpointError,),
        examples=SIGNED,
    ),
    Target(
        name="verifier-key",
        read=read_verifier,
        refusals=(NoteError,),
        examples=(str(SIGNER.verifier).encode(),),
        words=WORDS,
    ),
    Target(
        name="key-change",
        read=read_key_change,
        refusals=(NoteError,),
        examples=KEY_CHANGES,
        words=KEY_WORDS,
        discreet=False,
    ),
    Target(
        name="signed-key-change",
        read=read_signed_key_change,
        refusals=(NoteError,),
        examples=tuple(parse_note(note)[0].encode() for note in KEY_CHANGES),
        words=KEY_WORDS,
        discreet=False,
    ),
    Target(
        name="export",
        read=read_export,
        refusals=(ExportError,),
        examples=(b"".join(EXPORT), b"".join(EXPORT[:-1])),
        words=(b'"position":', b'"leafIndex":', b'"checkpoint":', b'"keyChanges":[', b"}\n"),
        discreet=False,
    ),
    Target(
        name="inclusion",
        read=read_inclusion,
        refusals=(ProofError,),
        examples=(encode_inclusion(0), encode_inclusion(4), encode_inclusion(10)),
    ),
    Target(
        name="consistency",
        read=read_consistency,
        refusals=(ProofError,),
        examples=(encode_consistency(3), encode_consistency(8), encode_consistency(11)),
    ),
)
