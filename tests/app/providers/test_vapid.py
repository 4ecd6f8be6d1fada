"""VAPID keys: do they belong together?"""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from app.providers.vapid import decode_key, is_key_pair, is_pasted_pair, read_private_key
from app.secrets.secret import Secret
from tests.support.private_keys import PUBLIC_SPELLINGS, SPELLINGS, make_key

# The order of P-256 (SEC 2, 2.4.2): scalars from 1 to one less are keys.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# RFC 7748 has none for P-256; RFC 6979, A.2.5: private x, public (Ux, Uy).
X = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"
UX = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
UY = "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"
PUBLIC, PRIVATE = bytes.fromhex("04" + UX + UY), bytes.fromhex(X)


def text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_the_pair_of_rfc_6979_belongs_together() -> None:
    assert is_key_pair(text(PUBLIC), text(PRIVATE)) is True


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_padding_and_alphabet_make_no_difference(encode: type) -> None:
    public, private = encode(PUBLIC).decode(), encode(PRIVATE).decode()
    assert public.endswith("=")
    assert is_key_pair(public, private) is True


@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_keys_belong_together_if_one_was_derived_of_the_other(one: int, other: int) -> None:
    point = ec.derive_private_key(one, ec.SECP256R1()).public_key()
    public = text(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    assert is_key_pair(public, text(other.to_bytes(32, "big"))) is (one == other)
    assert is_key_pair(public, text(one.to_bytes(32, "big"))) is True


@pytest.mark.parametrize(
    ("public", "private"),
    [
        ("", ""),
        ("BExample...", "example"),
        (text(PUBLIC), ""),
        (text(PUBLIC[:-1]), text(PRIVATE)),
        (text(PUBLIC), text(PRIVATE + b"\0")),
        (text(PUBLIC), text(bytes(32))),
        (text(PUBLIC), text(ORDER.to_bytes(32, "big"))),
        (text(PUBLIC) + "ü", text(PRIVATE)),
        (text(PUBLIC), "=" * 43),
    ],
)
def test_of_what_is_no_key_it_cannot_be_said(public: str, private: str) -> None:
    assert is_key_pair(public, private) is None


def test_a_compressed_point_is_no_key_here() -> None:
    assert is_key_pair(text(b"\x03" + PUBLIC[1:33]), text(PRIVATE)) is None


STRAY: Mapping[str, Callable[[str], str]] = {
    "line break": lambda key: f"{key}\n",
    "blanks": lambda key: f" {key}\t",
    "invisible": lambda key: f"\ufeff{key}\u200b",
    "quotes": lambda key: f"'{key}'",
    "wrapped": lambda key: f"{key[:20]}\r\n{key[20:]}",
    "padded": lambda key: f"{key}=",
    "padded in the next line": lambda key: f"{key}\n=",
    "standard": lambda key: key.replace("-", "+").replace("_", "/"),
}


@pytest.mark.parametrize("write", STRAY.values(), ids=STRAY)
def test_stray_characters_make_no_difference(write: Callable[[str], str]) -> None:
    other = text((int.from_bytes(PRIVATE) - 1).to_bytes(32))
    assert is_key_pair(write(text(PUBLIC)), write(text(PRIVATE))) is True
    assert is_key_pair(write(text(PUBLIC)), write(other)) is False


@pytest.mark.parametrize("write", STRAY)
def test_a_private_key_is_stored_in_base64url_if_nothing_else_is_around_it(write: str) -> None:
    key = "-_" + text(PRIVATE)[2:]
    written = STRAY[write](key)

    stored = read_private_key(Secret(written.encode())).reveal_text()

    assert stored == (key if write in ("padded", "standard") else written)


PASTED: Mapping[str, Callable[[str], str]] = {
    "alone": str,
    "after a name": lambda key: f"VAPID_KEY={key}",
    "exported, in quotes": lambda key: f'export VAPID_KEY="{key}"',
    "in JSON": lambda key: f'"vapidKey": "{key}",',
}
WRITTEN = (
    *("base64url", "base64 padded", "hexadecimal", "hexadecimal 0x", "hexadecimal colons"),
    *("PKCS#8 base64", "PKCS#8 short", "PKCS#8 hexadecimal", "SEC1 base64", "JWK", "JWK base64url"),
    *("PEM", "PEM SEC1", "PEM with \\n", "PEM in one line", "PEM body", "PEM base64"),
)


@pytest.mark.parametrize("surround", PASTED.values(), ids=PASTED)
@pytest.mark.parametrize("spelling", WRITTEN)
def test_keys_belong_together_however_they_are_pasted(
    spelling: str, surround: Callable[[str], str]
) -> None:
    mine, other = make_key(1), make_key(2)
    private = surround(SPELLINGS[spelling](mine))
    for write in ("base64url", "base64", "hexadecimal", "SubjectPublicKeyInfo", "PEM"):
        assert is_pasted_pair(surround(PUBLIC_SPELLINGS[write](mine)), private) is True
        assert is_pasted_pair(surround(PUBLIC_SPELLINGS[write](other)), private) is False
    assert is_key_pair(PUBLIC_SPELLINGS["base64url"](mine), private) in (True, None)


@pytest.mark.parametrize(
    "output",
    [
        '{{"publicKey":"{0}","privateKey":"{1}"}}',
        "=====\n\nPublic Key:\n{0}\n\nPrivate Key:\n{1}\n\n=====",
    ],
)
def test_what_web_push_prints_is_read(output: str) -> None:
    public, other = (PUBLIC_SPELLINGS["base64url"](make_key(number)) for number in (1, 2))
    printed = output.format(public, SPELLINGS["base64url"](make_key(1)))
    assert is_pasted_pair(public, printed) is True
    assert is_pasted_pair(other, printed) is False


@pytest.mark.parametrize("text", ["", "example", "0" * 64, "MIIEvQ" + "A" * 600, '{"d":"short"}'])
def test_of_another_text_nothing_can_be_said(text: str) -> None:
    assert is_pasted_pair(PUBLIC_SPELLINGS["base64url"](make_key(1)), text) is None


@given(st.text(max_size=90))
def test_no_text_raises_an_error(key: str) -> None:
    decode_key(key)
    is_pasted_pair(key, key[::-1])


@given(st.binary(max_size=90))
def test_any_bytes_are_decoded_as_they_were(raw: bytes) -> None:
    assert decode_key(text(raw)) == decode_key(b64encode(raw).decode()) == raw
