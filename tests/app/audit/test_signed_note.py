from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from app.audit.errors import NoteError
from app.audit.signed_note import Signer, Verifier, parse_verifier, verify_note

# golang.org/x/mod, sumdb/note/note_test.go, at 02c991387e35
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # after a byte 01
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.
"""
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdn"
    "gotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwn"
    "WLox33WWd1RvMc+QQ=\n"
)
NOTE = f"{TEXT}\n{PETER_LINE}".encode()

peter = parse_verifier(PETER)
enoch = parse_verifier(ENOCH)
KEY = Ed25519PrivateKey.from_private_bytes(b64decode(PETER_SEED)[1:])
signer = Signer("PeterNeumann", KEY)
texts = st.text(st.characters(codec="utf-8", min_codepoint=32) | st.just("\n")).map("{}\n".format)


# ----- Published figures -----
def test_a_text_is_signed_as_published() -> None:
    assert signer.sign(TEXT) == NOTE
    assert str(signer.verifier) == PETER


def test_a_published_note_opens() -> None:
    assert verify_note(NOTE, peter) == TEXT


def test_the_notes_example_of_the_specification_opens() -> None:
    # C2SP signed-note, "Verifier keys", "Example"
    verifier = parse_verifier(
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )
    note = """\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""  # noqa: E501 — a note's line cannot be broken
    assert verify_note(note.encode(), verifier) == "This is an example message.\n"


# ----- Signing and opening -----
@given(text=texts)
def test_what_is_signed_opens_again(text: str) -> None:
    note = signer.sign(text)
    assert verify_note(note, peter) == text
    assert signer.sign(text) == note


@pytest.mark.parametrize("text", ["", "abc", "a\x00\n", "a\tb\n", "a\r\n", "a\x1f\n", "\ud800\n"])
def test_what_cannot_be_a_notes_text_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        signer.sign(text)


def test_lines_of_other_keys_are_ignored() -> None:
    both = f"{TEXT}\n{ENOCH_LINE}{PETER_LINE}".encode()
    assert verify_note(both, peter) == verify_note(both, enoch) == TEXT
    # the same name with another id, and the same id with another name, are other keys too
    renamed = PETER_LINE.replace("PeterNeumann", "CarmenSandiego")
    other_id = PETER_LINE.replace("x08g", "xxxx")
    assert verify_note(NOTE + renamed.encode() + other_id.encode(), peter) == TEXT


def test_many_signatures_are_read() -> None:
    assert verify_note(f"{TEXT}\n{ENOCH_LINE * 40}{PETER_LINE}".encode(), peter) == TEXT


def test_a_note_without_the_keys_signature_is_refused() -> None:
    with pytest.raises(NoteError, match="not signed by the key EnochRoot"):
        verify_note(NOTE, enoch)


@pytest.mark.parametrize("wrong_first", [True, False])
def test_one_wrong_signature_of_the_key_spoils_the_note(wrong_first: bool) -> None:
    wrong = signer.sign("another text\n").decode().split("\n\n")[1]
    lines = wrong + PETER_LINE if wrong_first else PETER_LINE + wrong
    with pytest.raises(NoteError, match="does not fit"):
        verify_note(f"{TEXT}\n{lines}".encode(), peter)


def test_the_text_ends_at_the_last_empty_line() -> None:
    text = f"one\n\n{PETER_LINE}\n"
    assert verify_note(signer.sign(text), peter) == text


# ----- Altered notes -----
def test_no_byte_of_a_note_can_be_changed_removed_or_added() -> None:
    for place, byte in enumerate(NOTE):
        for other in {byte ^ 1, byte ^ 2, byte ^ 32, byte ^ 128, 10, 32, 61, 65}:
            added = NOTE[:place] + bytes([other]) + NOTE[place:]
            assert refused(added), added
            if other != byte:
                changed = NOTE[:place] + bytes([other]) + NOTE[place + 1 :]
                assert refused(changed), changed
        assert refused(NOTE[:place] + NOTE[place + 1 :])
        assert refused(NOTE[:place])
    assert refused(NOTE + b"\n")
    assert refused(NOTE + b"x")


@given(place=st.integers(0, len(NOTE) - 1), bytes_=st.binary(max_size=5), gone=st.integers(0, 5))
def test_no_few_bytes_of_a_note_can_be_replaced(place: int, bytes_: bytes, gone: int) -> None:
    altered = NOTE[:place] + bytes_ + NOTE[place + gone :]
    assert refused(altered) or altered == NOTE


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}{PETER_LINE}".encode(),
        f"\x01{TEXT}\n{PETER_LINE}".encode(),
        b"\xff" + NOTE,
        NOTE + b"Unexpected line.\n",
        NOTE + "— Bad Name x08go/ZJkuBS\n".encode(),
        NOTE + "— Bad+Name x08go/ZJkuBS\n".encode(),
        NOTE + "— Bad\u2003Name x08go/ZJkuBS\n".encode(),
        NOTE + "—  x08go/ZJkuBS\n".encode(),
        NOTE + "— EnochRoot\n".encode(),
        NOTE + "— EnochRoot \n".encode(),
        NOTE + "— EnochRoot x08goA==\n".encode(),
        NOTE + "— EnochRoot x08go/ZJkuBT1=\n".encode(),
        NOTE + "— EnochRoot x08go/ZJkuBT1Q\n".encode(),
        NOTE + "— EnochRoot x08go/ZJkuBT1R==\n".encode(),
        NOTE + b"- EnochRoot x08go/ZJkuBS\n",
        NOTE + b"EnochRoot x08go/ZJkuBS\n",
        NOTE + b"\n" * (1 << 17),
        NOTE + ENOCH_LINE.encode() * 1500,
    ],
)
def test_what_is_no_canonical_note_is_refused(note: bytes) -> None:
    assert refused(note)


@given(note=st.binary() | st.text().map(str.encode) | st.binary().map(lambda end: NOTE + end))
def test_anything_else_is_refused_with_a_typed_error(note: bytes) -> None:
    assert refused(note) or note == NOTE


@pytest.mark.parametrize("text", ["a\x00b\n", "a\tb\n", "a\r\n"])
def test_control_characters_are_refused_even_if_signed(text: str) -> None:
    line = b64encode(peter.key_id + KEY.sign(text.encode())).decode()
    assert refused(f"{text}\n— PeterNeumann {line}\n".encode())


def refused(note: bytes) -> bool:
    try:
        verify_note(note, peter)
    except NoteError as error:
        assert "\n" not in str(error)  # noqa: PT017 — every refusal, not one, is looked at
        return True
    return False


# ----- Verifier keys -----
def test_a_verifier_key_is_read_and_written() -> None:
    assert str(peter) == PETER
    assert peter == Verifier("PeterNeumann", b64decode(PETER.rpartition("+")[2])[1:])
    assert peter.key_id.hex() == "c74f20a3"


def test_no_part_of_a_verifier_key_is_one() -> None:
    for start in range(len(PETER)):
        for end in range(start, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                refuse_verifier(PETER[start:end])


def test_no_character_of_a_verifier_key_can_be_changed() -> None:
    for place, character in enumerate(PETER):
        for other in (chr(ord(character) + 1), character.swapcase(), "+", "\n", " ", "é", "\udc80"):
            if other != character:
                refuse_verifier(PETER[:place] + other + PETER[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        # of note_test.go: a key of the wrong length, an unknown type; both with the id they need
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER + "\n",
        PETER + "=",
        "",
        "++",
    ],
)
def test_other_verifier_keys_are_refused(text: str) -> None:
    refuse_verifier(text)


@given(text=st.text())
def test_any_other_text_is_no_verifier_key(text: str) -> None:
    refuse_verifier(text)


def refuse_verifier(text: str) -> None:
    with pytest.raises(NoteError):
        parse_verifier(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x00b", "\ud800"])
def test_a_name_that_cannot_stand_in_a_note_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        Signer(name, Ed25519PrivateKey.generate())


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(NoteError):
        Verifier("name", bytes(length))


@given(key=st.binary(min_size=32, max_size=32), signature=st.binary(min_size=1, max_size=70))
@example(key=b"\x02" + bytes(31), signature=bytes(64))  # the key is no point of the curve
@example(key=b"\xff" * 32, signature=b"\xff" * 64)
def test_made_up_keys_and_signatures_verify_nothing(key: bytes, signature: bytes) -> None:
    made_up = Verifier("PeterNeumann", key)
    line = b64encode(made_up.key_id + signature).decode()
    with pytest.raises(NoteError, match="does not fit"):
        verify_note(f"{TEXT}\n— PeterNeumann {line}\n".encode(), made_up)


# ----- Secrets -----
def test_a_signer_does_not_show_its_key() -> None:
    assert repr(signer) == f"Signer({PETER})"
