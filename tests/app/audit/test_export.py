"""An exported log, changed in each way: what was signed is not what the file says."""

import tracemalloc
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import CheckpointKey, sign_checkpoint
from app.audit.errors import NoteError
from app.audit.export import (
    MAX_LINE_BYTES,
    ExportError,
    ExportProof,
    export_line,
    verify_export,
)
from app.audit.key_changes import sign_key_change
from app.audit.log_sections import StoredCheckpoint
from app.audit.merkle import Frontier, leaf_hash
from app.audit.signed_note import Verifier
from scripts.commands.verify_export import verify_export_command

POSITIONS = (2, 3, 7, 8, 12, 20)
SIGNED = 5  # of them
KEY = CheckpointKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEYS = AuditKeys(KEY.public_key)
OTHER_KEYS = AuditKeys(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
Lines = Sequence[bytes]


def event(index: int) -> bytes:
    return b'{"event":%d}' % index


def note(size: int, workspace: str = "demo", key: CheckpointKey = KEY) -> bytes:
    frontier = Frontier()
    for index in range(size):
        frontier.append(leaf_hash(event(index)))
    return sign_checkpoint(frontier.head, POSITIONS[size - 1], key.signer(workspace))


def kept(size: int, workspace: str = "demo") -> StoredCheckpoint:
    return StoredCheckpoint(workspace, size, POSITIONS[size - 1], note(size, workspace))


def exported(signed: int | None = SIGNED) -> list[bytes]:
    """Return the lines of an export that was made when *signed* of six events had been."""
    last = None if signed is None else note(signed).decode()
    return [
        export_line(position, index, event(index), last if index + 1 == signed else None)
        for index, position in enumerate(POSITIONS)
    ]


def prove(lines: Lines, **options: StoredCheckpoint | None) -> ExportProof:
    return verify_export(BytesIO(b"".join(lines)), KEY.public_key, **options)


def refusal(lines: Lines, **options: StoredCheckpoint | None) -> str:
    with pytest.raises(ExportError) as raised:
        prove(lines, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# ----- What holds -----
def test_an_export_is_proved_up_to_its_checkpoint() -> None:
    assert prove(exported()) == ExportProof("demo", 6, SIGNED, 12)
    assert prove(exported(6)) == ExportProof("demo", 6, 6, 20)
    assert prove(exported(1)) == ExportProof("demo", 6, 1, 2)


@pytest.mark.parametrize("size", range(1, 7))
def test_a_checkpoint_that_was_kept_is_compared_too(size: int) -> None:
    assert prove(exported(), external=kept(size)).signed == max(size, SIGNED)
    assert prove(exported(None), external=kept(size)).signed == size


# ----- What does not -----
Change = Callable[[list[bytes]], Lines]
CHANGES: dict[str, tuple[Change, str]] = {
    "dropped line": (lambda x: [*x[:2], *x[3:]], "position 8 (line 3): event 4 is where event 3"),
    "dropped first line": (lambda x: x[1:], "position 3 (line 1): event 2 is where event 1"),
    "doubled line": (lambda x: [*x[:2], *x[1:]], "position 3 (line 3): event 2 is where event 3"),
    "swapped lines": (
        lambda x: [x[0], x[2], x[1], *x[3:]],
        "position 7 (line 2): event 3 is where event 2 belongs",
    ),
    "cut off between lines": (lambda x: x[:3], "after position 7: the file ends here, before its"),
    "cut off within a line": (
        lambda x: [*x[:3], x[3][:40]],
        "position 8 (line 4): the line is cut off or damaged",
    ),
    "cut off at the newline": (
        lambda x: [*x[:3], x[3][:-1]],
        "position 8 (line 4): the line is cut off or damaged",
    ),
    "no line at all": (lambda _: [], "after position 0: the file ends here, before its checkpoint"),
    "a line of another file": (lambda x: [*x[:2], b"[]\n", *x[3:]], "after position 3 (line 3)"),
    "a page of HTML": (lambda _: [b"<html>\n"], "after position 0 (line 1): the line is cut off"),
    "an endless line": (lambda x: [x[0], b" " * (MAX_LINE_BYTES + 9)], "after position 2 (line 2)"),
    "another field": (lambda x: [x[0][:-2] + b',"x":1}\n', *x[1:]], "position 2 (line 1)"),
    "positions out of order": (
        lambda x: [*x[:2], export_line(3, 2, event(2)), *x[3:]],
        "position 3 (line 3): the event before it has position 3",
    ),
    "an event with another hash": (
        lambda x: [*x[:2], x[2].replace(b"eyJldm", b"eyJldn"), *x[3:]],
        "position 7 (line 3): the event is not that of its hash",
    ),
    "another event with its hash": (
        lambda x: [*x[:2], export_line(7, 2, event(9)), *x[3:]],
        "position 12 (line 5): the events from position 1 to here are not those",
    ),
    "another last position": (
        lambda x: [*x[:4], export_line(13, 4, event(4), note(SIGNED).decode()), x[5]],
        "position 13 (line 5): the events from position 1 to here are not those",
    ),
    "a checkpoint elsewhere": (
        lambda x: [*x[:3], export_line(8, 3, event(3), note(SIGNED).decode()), *x[4:]],
        "position 8 (line 4): the events from position 1 to here are not those",
    ),
    "a checkpoint of another workspace": (
        lambda x: [*x[:5], export_line(20, 5, event(5), note(6, "other").decode())],
        "position 20 (line 6): the checkpoint here is of workspace other",
    ),
    "a checkpoint that is none": (
        lambda x: [*x[:4], export_line(12, 4, event(4), "anything"), x[5]],
        "position 12 (line 5): the checkpoint here is none of ours",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_found_at_its_place(change: str) -> None:
    alter, expected = CHANGES[change]
    assert refusal(alter(exported())).startswith(expected)


def test_each_flipped_byte_is_found_in_its_line() -> None:
    """But a digit of a position, which no workspace's tree binds, where the order stays."""
    lines, found = exported(), 0
    for number, line in enumerate(lines[:SIGNED]):
        for at in range(len(line)):
            flipped = bytearray(line)
            flipped[at] ^= 1 << (at % 8)
            changed = [*lines[:number], bytes(flipped), *lines[number + 1 :]]
            if is_in_position(line, at):
                continue
            told = refusal(changed)
            assert f"(line {number + 1})" in told, (told, flipped)
            found += 1
    assert found > 700


def is_in_position(line: bytes, at: int) -> bool:
    return len(b'{"position":') <= at < line.index(b",")


def test_another_key_is_named_at_the_first_checkpoint() -> None:
    with pytest.raises(ExportError, match=r"position 12 .*The note is not signed by the key"):
        verify_export(BytesIO(b"".join(exported())), OTHER_KEYS.public_key)


def test_an_end_that_is_missing_is_found_with_a_checkpoint_that_was_kept() -> None:
    cut = exported()[:SIGNED]
    assert prove(cut).events == SIGNED  # nothing in the file says that there was more
    assert refusal(cut, external=kept(6)) == (
        "after position 12: the file ends here; 6 events up to position 20 were signed"
    )


def test_a_checkpoint_of_another_log_is_no_proof() -> None:
    for size in (3, 6):
        with pytest.raises(NoteError, match="is of workspace other; one of workspace demo is"):
            prove(exported(), external=kept(size, "other"))


NEW_KEY = CheckpointKey(Ed25519PrivateKey.generate())
TO_NEW_KEY = sign_key_change(7, KEY, NEW_KEY).decode()
LOST_KEY = sign_key_change(7, Verifier("integrations", KEY.public_key), NEW_KEY).decode()


@pytest.mark.parametrize("trusted", [KEY, NEW_KEY])
@pytest.mark.parametrize("size", [None, 3, 6])
def test_a_key_that_was_rotated_proves_what_its_successor_signed_and_the_other_way_round(
    trusted: CheckpointKey, size: int | None
) -> None:
    last = note(SIGNED, key=NEW_KEY).decode()
    lines = exported(None)
    lines[SIGNED - 1] = export_line(12, 4, event(4), last, [TO_NEW_KEY])
    external = None
    if size is not None:
        signer = KEY if size == 3 else NEW_KEY
        external = StoredCheckpoint("demo", size, POSITIONS[size - 1], note(size, key=signer))
    proof = verify_export(BytesIO(b"".join(lines)), trusted.public_key, external)
    assert proof.signed == max(size or 0, SIGNED)


def test_a_key_that_was_lost_does_not_prove_what_its_successor_signed() -> None:
    lines = exported(None)
    lines[4] = export_line(12, 4, event(4), note(SIGNED, key=NEW_KEY).decode(), [LOST_KEY])
    file = b"".join(lines)
    with pytest.raises(ExportError, match="The audit key was lost after position 7"):
        verify_export(BytesIO(file), KEY.public_key)
    assert verify_export(BytesIO(file), NEW_KEY.public_key).signed == SIGNED


def test_memory_does_not_grow_with_the_file() -> None:
    size = 20_000
    frontier = Frontier()
    for index in range(size):
        frontier.append(leaf_hash(event(index)))
    last = sign_checkpoint(frontier.head, size, KEY.signer("demo")).decode()
    lines = (
        export_line(index + 1, index, event(index), last if index + 1 == size else None)
        for index in range(size)
    )
    file = BytesIO(b"".join(lines))
    tracemalloc.start()
    assert verify_export(file, KEY.public_key).signed == size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300_000


# ----- The command -----
def test_the_command_says_what_is_proved_and_ends_with_0_or_1(tmp_path: Path) -> None:
    export, key, checkpoint = (tmp_path / name for name in ("log.jsonl", "key.txt", "note.txt"))
    export.write_bytes(b"".join(exported()))
    key.write_text(f"{KEYS.verifier('demo')}\n")
    checkpoint.write_bytes(note(3))
    words = [str(export), "--key", str(key)]

    for more in ([], ["--checkpoint", str(checkpoint)]):
        proved = CliRunner().invoke(verify_export_command, [*words, *more])
        assert proved.exit_code == 0
        assert proved.stdout == (
            "5 events of workspace demo, up to position 12, are as they were signed;"
            " 1 after that are not signed yet.\n"
        )
    piped = CliRunner().invoke(verify_export_command, ["-", *words[1:]], input=export.read_bytes())
    assert piped.exit_code == 0
    key.write_text(str(OTHER_KEYS.verifier("demo")))
    failed = CliRunner().invoke(verify_export_command, words)
    assert failed.exit_code == 1
    assert failed.stdout.startswith(
        "The export is not what was signed: position 12 (line 5): the checkpoint here is none"
    )
