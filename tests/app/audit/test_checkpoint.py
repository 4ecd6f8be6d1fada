import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.audit.checkpoint import (
    Checkpoint,
    log_origin,
    parse_checkpoint,
    sign_checkpoint,
    unverified_workspace,
    verify_checkpoint,
)
from app.audit.errors import CheckpointError, NoteError
from app.audit.merkle import EMPTY_ROOT, TreeHead, leaf_hash
from app.audit.signed_note import Signer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
signer = Signer(log_origin("demo"), KEY)
HEAD = TreeHead(3, leaf_hash(b"not really a root"))
NOTE = sign_checkpoint(HEAD, 5, signer)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="  # of the specification's example
LAST = (1 << 63) - 1


# ----- The form -----
def test_a_checkpoint_looks_like_this() -> None:
    assert NOTE.decode() == (
        "integrations/demo\n"
        "3\n"
        "RndEJvRYllztqhrQzbTrIY3Fb8w8ul8HmosbvPSYXXQ=\n"
        "position 5\n"
        "\n"
        "— integrations/demo qh23tduwdtDGL3lO0z9LNRL0mmo1sNBeAbinp1g1Zz3v"
        "4CRHfruCjjE6kKjCF92AONXRFvF0/B2a6GD9vhfeVIULOwg=\n"
    )


def test_the_text_of_the_specifications_example_is_read() -> None:
    # C2SP tlog-checkpoint
    text = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"
    head = TreeHead(
        20_852_163,
        bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"),
    )
    assert parse_checkpoint(text) == Checkpoint(origin="example.com/behind-the-sofa", head=head)


@given(
    workspace=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    size=st.integers(1, LAST),
    root=st.binary(min_size=32, max_size=32),
    others=st.integers(0, 1 << 63),
)
def test_what_is_signed_is_read_again(workspace: str, size: int, root: bytes, others: int) -> None:
    name, head, position = log_origin(workspace), TreeHead(size, root), min(size + others, LAST)
    note = sign_checkpoint(head, position, Signer(name, KEY))
    expected = Checkpoint(origin=name, head=head, position=position)
    assert verify_checkpoint(note, Signer(name, KEY).verifier) == expected
    assert unverified_workspace(note) == workspace
    assert sign_checkpoint(head, position, Signer(name, KEY)) == note


def test_a_log_without_events_has_a_checkpoint() -> None:
    empty = TreeHead(0, EMPTY_ROOT)
    checkpoint = verify_checkpoint(sign_checkpoint(empty, None, signer), signer.verifier)
    assert checkpoint == Checkpoint(origin="integrations/demo", head=empty)


# ----- What is refused -----
@pytest.mark.parametrize(
    ("size", "root", "position"),
    [
        (0, EMPTY_ROOT, 0),
        (0, EMPTY_ROOT, 1),
        (1, EMPTY_ROOT, 0),
        (2, EMPTY_ROOT, 1),
        (-1, EMPTY_ROOT, None),
        (-1, EMPTY_ROOT, 1),
        (1, EMPTY_ROOT, LAST + 1),
        (LAST + 1, EMPTY_ROOT, None),
        (1, EMPTY_ROOT[1:], 1),
        (1, b"", None),
    ],
)
def test_a_state_that_no_log_has_is_not_signed(size: int, root: bytes, position: int) -> None:
    with pytest.raises(CheckpointError):
        sign_checkpoint(TreeHead(size, root), position, signer)


@pytest.mark.parametrize(
    "workspace", ["", "a b", "a+b", "a/b", "a\n", "é", "a" * 65, "..", "\ud800"]
)
def test_what_is_no_workspace_has_no_origin(workspace: str) -> None:
    with pytest.raises(CheckpointError):
        log_origin(workspace)


def test_the_checkpoint_of_another_log_is_refused() -> None:
    other = Signer(log_origin("other"), KEY)
    with pytest.raises(NoteError):
        verify_checkpoint(NOTE, other.verifier)
    # not even where the key has signed it under its own name
    renamed = other.sign(NOTE.decode().split("\n\n")[0] + "\n")
    with pytest.raises(CheckpointError, match="another log than integrations/other"):
        verify_checkpoint(renamed, other.verifier)


def test_the_checkpoint_of_another_key_is_refused() -> None:
    other = Signer(log_origin("demo"), Ed25519PrivateKey.generate())
    with pytest.raises(NoteError):
        verify_checkpoint(NOTE, other.verifier)


GOOD = f"integrations/demo\n7\n{ROOT}\nposition 9\n"


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        GOOD[:-1] + " \n",
        GOOD + "\n",
        "\n" + GOOD,
        GOOD + "position 9\n",
        GOOD + "anything\n",
        GOOD.replace("position 9\n", "anything\n"),
        GOOD.replace("position 9\n", "\nposition 9\n"),
        GOOD.replace("position 9", "position 09"),
        GOOD.replace("position 9", "position +9"),
        GOOD.replace("position 9", "position 6"),
        GOOD.replace("position 9", "position 0"),
        GOOD.replace("position 9", "position  9"),
        GOOD.replace("position 9", "Position 9"),
        GOOD.replace("position 9", "position 9223372036854775808"),
        GOOD.replace("position 9", "position \u0669"),
        GOOD.replace("\n7\n", "\n07\n"),
        GOOD.replace("\n7\n", "\n+7\n"),
        GOOD.replace("\n7\n", "\n-7\n"),
        GOOD.replace("\n7\n", "\n 7\n"),
        GOOD.replace("\n7\n", "\n7_0\n"),
        GOOD.replace("\n7\n", "\n\u0667\n"),
        GOOD.replace("\n7\n", "\n7\u0667\n").replace("position 9", "position 99"),
        GOOD.replace("\n7\n", "\n0\n"),
        GOOD.replace("\n7\n", "\n\n"),
        GOOD.replace("\n7\n", "\n" + "7" * 5000 + "\n"),
        GOOD.replace(ROOT, ROOT[:-1]),
        GOOD.replace(ROOT, ROOT[:-2] + "J="),
        GOOD.replace(ROOT, ROOT.replace("/", "_")),
        GOOD.replace(ROOT, ROOT + ROOT),
        GOOD.replace(ROOT, ROOT[:20]),
        GOOD.replace("integrations/demo", ""),
    ],
)
def test_what_is_no_canonical_checkpoint_is_refused_even_if_signed(text: str) -> None:
    with pytest.raises(NoteError):
        verify_checkpoint(signer.sign(text), signer.verifier)


def test_the_text_that_the_refused_ones_differ_from_is_read() -> None:
    assert verify_checkpoint(signer.sign(GOOD), signer.verifier).position == 9


@given(text=st.text(st.characters(codec="utf-8", min_codepoint=32) | st.just("\n")))
def test_any_other_signed_text_is_refused_with_a_typed_error(text: str) -> None:
    with pytest.raises(CheckpointError):
        verify_checkpoint(signer.sign(text + "\n"), signer.verifier)


def test_no_byte_of_a_checkpoint_can_be_changed() -> None:
    for place, byte in enumerate(NOTE):
        for other in {byte ^ 1, byte ^ 4, byte ^ 32, byte ^ 128} - {byte}:
            with pytest.raises(NoteError):
                verify_checkpoint(
                    NOTE[:place] + bytes([other]) + NOTE[place + 1 :], signer.verifier
                )


# ----- The claim -----
@pytest.mark.parametrize(
    "note",
    [b"", b"integrations/", b"integrations/a b\n", b"\xff", b"demo\n", b"integrations/\xff\n"],
)
def test_a_note_that_claims_no_workspace_is_told(note: bytes) -> None:
    with pytest.raises(CheckpointError):
        unverified_workspace(note)
