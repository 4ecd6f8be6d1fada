"""Signed notes, as C2SP's signed-note has them: text, an empty line, and Ed25519 signatures.

    text that ends in a newline

    — <key name> <base64 of 4 bytes key id and 64 bytes signature>

To check a note, use a verifier key: `<key name>+<key id in hex>+<base64 of 0x01 and key>`.
Only what the specification calls canonical is read, so that a note has one form and no other.
"""

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from app.audit.errors import NoteError

ED25519 = b"\x01"  # the one signature type we take
KEY_BYTES = 32
KEY_ID_BYTES = 4
MAX_NOTE_BYTES = 1 << 17  # room for 16 signatures of 5 kB, which must be read, and more
SIGNATURE_START = "— "
NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")  # no spaces of any script, no plus
FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # ASCII control but newline; no UTF-8


class Signature(NamedTuple):
    """A signature line: the key that it says it is of, and what that key is said to have signed."""

    name: str
    key_id: bytes
    signature: bytes


class Verifier(Struct, frozen=True):
    """A name, and the Ed25519 public key (32 bytes) that is trusted under it.

    Raises:
        NoteError: the name is empty or has a space or a plus, or the key is not 32 bytes.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or len(self.public_key) != KEY_BYTES:
            message = "A key has a name without spaces and plus, and 32 bytes."
            raise NoteError(message)

    @property
    def key_id(self) -> bytes:
        """Return the first 4 bytes of the hash over name, type and key."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(ED25519 + self.public_key)}"


class Signer:
    """An Ed25519 private key and the name under which it signs."""

    __slots__ = ("_private_key", "verifier")

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.verifier = Verifier(name, private_key.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """Return *text* as a note with one signature; the same text is always the same note.

        Raises:
            NoteError: *text* is no UTF-8, does not end in a newline, or has another control
                character.
        """
        require_text(text)
        signature = self._private_key.sign(text.encode())
        name, sealed = self.verifier.name, encode_base64(self.verifier.key_id + signature)
        return f"{text}\n{SIGNATURE_START}{name} {sealed}\n".encode()

    def __repr__(self) -> str:
        return f"Signer({self.verifier})"


def parse_verifier(text: str) -> Verifier:
    """Return the verifier that *text*, a verifier key, describes.

    Raises:
        NoteError: it is not one of an Ed25519 key, or its id does not belong to name and key.
    """
    name, _, rest = text.partition("+")
    key = decode_base64(rest.partition("+")[2])
    verifier = Verifier(name, key[1:])
    if str(verifier) != text:
        message = "This is no verifier key of an Ed25519 key."
        raise NoteError(message)
    return verifier


def verify_note(note: bytes, verifier: Verifier) -> str:
    """Return the text of *note*, which *verifier*'s key has signed; other keys' lines are ignored.

    Raises:
        NoteError: it is no signed note, that key did not sign it, or a signature that says it is
            of that key is not.
    """
    text, signatures = parse_note(note)
    key = (verifier.name, verifier.key_id)
    ours = [each.signature for each in signatures if (each.name, each.key_id) == key]
    if not ours:
        message = f"The note is not signed by the key {verifier}."
        raise NoteError(message)
    for signature in ours:
        require_signature(text, signature, verifier)
    return text


def require_signature(text: str, signature: bytes, verifier: Verifier) -> None:
    """Raise NoteError unless *signature* over *text* is of *verifier*'s key (RFC 8032)."""
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public_key).verify(signature, text.encode())
    except InvalidSignature:
        message = f"The signature of the key {verifier} does not fit the note."
        raise NoteError(message) from None


def parse_note(note: bytes) -> tuple[str, list[Signature]]:
    """Return text and signature lines of *note*; nothing is verified here."""
    if len(note) > MAX_NOTE_BYTES:
        message = f"The note is longer than {MAX_NOTE_BYTES} bytes."
        raise NoteError(message)
    try:
        text, empty_line, lines = note.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        message = "The note is not UTF-8."
        raise NoteError(message) from None
    require_text(text + empty_line[:1])
    if not lines.endswith("\n"):
        message = "The note does not end with a signature line."
        raise NoteError(message)
    return text + "\n", [parse_signature(line) for line in lines[:-1].split("\n")]


def parse_signature(line: str) -> Signature:
    """Return what a signature line, without its newline, says."""
    name, _, sealed = line.removeprefix(SIGNATURE_START).partition(" ")
    if not line.startswith(SIGNATURE_START) or not NAME.fullmatch(name):
        message = "The note has a line after its text that is no signature."
        raise NoteError(message)
    raw = decode_base64(sealed)
    if len(raw) <= KEY_ID_BYTES:
        message = "The note has an empty signature."
        raise NoteError(message)
    return Signature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def require_text(text: str) -> None:
    """Raise NoteError unless *text* can be that of a note."""
    if not text.endswith("\n") or FORBIDDEN.search(text):
        message = (
            "The text of a note is UTF-8, ends in a newline and has no other control characters."
        )
        raise NoteError(message)


def encode_base64(raw: bytes) -> str:
    """Return *raw* in the base64 of RFC 4648, section 4."""
    return b64encode(raw).decode()


def decode_base64(text: str) -> bytes:
    """Return the bytes of *text*; raise NoteError unless it is just what `encode_base64` makes."""
    try:
        raw = b64decode(text)
    except ValueError:
        raw = b""
    # b64decode passes over foreign characters and spare bits: many texts would be one signature.
    if encode_base64(raw) != text:
        message = "The note has broken base64."
        raise NoteError(message)
    return raw
