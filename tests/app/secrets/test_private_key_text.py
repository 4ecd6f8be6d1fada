"""Private keys in texts, in every usual spelling, and what must not be taken for one."""

import hashlib
import re
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from app.secrets.private_key_text import contains_private_key
from tests.support.private_keys import (
    PUBLIC_SPELLINGS,
    SPELLINGS,
    SURROUNDINGS,
    Spelling,
    make_key,
)
from tests.support.thread_time import least_quiet_ms

KEY = make_key(1)
PRIVATE = SPELLINGS["base64url"](KEY)
COMPRESSED = PublicFormat.CompressedPoint
NOT_DIRECTLY = [name for name in SURROUNDINGS if not name.startswith("directly")]


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_private_key_is_found_in_each_spelling(spelling: Spelling) -> None:
    assert contains_private_key(spelling(KEY))
    assert contains_private_key(spelling(KEY), is_key=True)


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_private_key_is_found_in_each_spelling_and_surroundings(spelling: Spelling) -> None:
    missed = [
        (number, name)
        for number in range(10)
        for name, surround in SURROUNDINGS.items()
        if not contains_private_key(surround(spelling(make_key(number))))
    ]
    assert missed == []


@given(st.sampled_from([*SPELLINGS]), st.sampled_from([*SURROUNDINGS]), st.integers(0, 500))
def test_a_private_key_is_found_whatever_stands_around_it(
    spelling: str, surroundings: str, number: int
) -> None:
    text = SURROUNDINGS[surroundings](SPELLINGS[spelling](make_key(number)))
    assert contains_private_key(text)


@pytest.mark.parametrize("spelling", PUBLIC_SPELLINGS.values(), ids=PUBLIC_SPELLINGS)
@given(st.sampled_from(NOT_DIRECTLY), st.integers(0, 500))
def test_a_public_key_is_no_private_one(spelling: Spelling, surroundings: str, number: int) -> None:
    text = SURROUNDINGS[surroundings](spelling(make_key(number)))
    assert not contains_private_key(text, is_key=True)


def test_of_random_keys_few_in_a_thousand_are_missed() -> None:
    keys = [SPELLINGS["base64url"](make_key(number)) for number in range(2_000)]
    for text in ("{}", "our {}, please keep", "key{}", "{}key", "https://example.com/{}?a=b"):
        assert sum(not contains_private_key(text.format(key)) for key in keys) <= 6


POINT = PUBLIC_SPELLINGS["base64url"](KEY)
SCALAR = urlsafe_b64decode(f"{PRIVATE}=")
INVISIBLE = "\u00ad\u200b\u200d\u2060\ufe0f\ufeff\u0301\u0336\u20dd"  # marks, too


@pytest.mark.parametrize("sign", INVISIBLE, ids=ascii)
@pytest.mark.parametrize("spelling", ["base64url", "hexadecimal", "PKCS#8 base64"])
def test_a_private_key_is_found_through_what_nobody_sees(sign: str, spelling: str) -> None:
    assert contains_private_key(sign.join(SPELLINGS[spelling](KEY)))


@pytest.mark.parametrize("at", range(1, 43))
def test_a_private_key_in_two_lines_is_found(at: int) -> None:
    missed = [
        number
        for number in range(20)
        for key in [SPELLINGS["base64url"](make_key(number))]
        if not contains_private_key(f"our {key[:at]}\n{key[at:]}, please keep")
        or not contains_private_key(f"{key[:at]} {key[at:]}", is_key=True)
    ]
    assert missed == []


@pytest.mark.parametrize("size", [4, 8, 10, 16, 20])
def test_a_private_key_in_more_lines_is_found_where_only_a_key_may_be(size: int) -> None:
    lines = "\n".join(PRIVATE[at : at + size] for at in range(0, len(PRIVATE), size))
    assert contains_private_key(lines, is_key=True)


@pytest.mark.parametrize(
    "address",
    [
        *("https://push.example/{}", "https://push.example/a?k={}#b", "push.example.com/a/{}"),
        *("https://push.example/{}=", "https://{}.example.com", "mailto:{}@mail.example.com"),
    ],
)
@pytest.mark.parametrize("secret", [PRIVATE, POINT + PRIVATE, PRIVATE + POINT, SCALAR.hex()])
def test_a_private_key_is_found_in_an_address(address: str, secret: str) -> None:
    assert contains_private_key(address.format(secret))


PLACES = ("{}", "our keys {} ok", *(f"https://push.example/{end}" for end in ("{}", "a?k={}#b")))
JOINED: Mapping[str, Callable[[str, str], str]] = {
    "public first": lambda public, private: public + private,
    "private first": lambda public, private: private + public,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("join", JOINED.values(), ids=JOINED)
@pytest.mark.parametrize("spelling", ["base64url", "base64 padded"])
def test_a_private_key_directly_next_to_its_public_one_is_found(
    spelling: str, join: Callable[[str, str], str], place: str
) -> None:
    public = "base64" if "base64 " in spelling else "base64url"
    missed = [
        key
        for key in map(make_key, range(100))
        if not contains_private_key(
            place.format(
                join(PUBLIC_SPELLINGS[public](key), SPELLINGS[spelling](key).replace("/", "_"))
            )
        )
    ]
    assert missed == []


@pytest.mark.parametrize("place", PLACES)
def test_a_private_key_directly_next_to_the_public_one_of_another_is_found(place: str) -> None:
    found = [
        contains_private_key(place.format(f"{SPELLINGS['base64url'](make_key(number))}{POINT}"))
        for number in range(2, 200)
    ]
    assert found.count(False) <= 1


@pytest.mark.parametrize("kept", [40, 41, 42])
def test_a_private_key_without_its_end_is_found_where_only_a_key_may_be(kept: int) -> None:
    assert contains_private_key(PRIVATE[:kept], is_key=True)
    assert contains_private_key(f"'{PRIVATE[:kept]}'", is_key=True)
    assert not contains_private_key(POINT[:kept], is_key=True)


@pytest.mark.parametrize("at", [20, 43, 44, 60])
def test_a_public_key_with_a_space_in_it_is_no_private_one(at: int) -> None:
    assert not contains_private_key(f"{POINT[:at]} {POINT[at:]}", is_key=True)


def test_a_public_jwk_is_no_private_key_and_a_private_one_is() -> None:
    x, y = PRIVATE, PRIVATE[::-1]
    public = f'{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"'

    assert not contains_private_key(f"{public}}}", is_key=True)
    assert contains_private_key(f'{public},"d":"{PRIVATE}"}}', is_key=True)


@pytest.mark.parametrize("kept", range(60, 88))
@pytest.mark.parametrize("form", ["{}", "VAPID_PUBLIC_KEY={}", "'{}'", "{}…", "{}...", " {}\n"])
def test_a_public_key_without_its_end_is_no_private_one(form: str, kept: int) -> None:
    assert not contains_private_key(form.format(POINT[:kept]), is_key=True)
    assert not contains_private_key(form.format(f"{POINT[:30]}\n{POINT[30:kept]}"), is_key=True)


def test_a_public_key_with_a_wrong_character_is_no_private_one() -> None:
    wrong = POINT[:40] + ("A" if POINT[40] != "A" else "B") + POINT[41:]

    assert not contains_private_key(f"Push {wrong}")
    assert not contains_private_key(f"'{wrong}'", is_key=True)


@pytest.mark.parametrize("behind", ["-old", " prod", "_production", " (old key)"])
def test_a_private_key_that_begins_as_a_public_one_is_found_before_a_word(behind: str) -> None:
    assert contains_private_key(f"BIOj{PRIVATE[4:]}{behind}", is_key=True)


@pytest.mark.parametrize(
    "text",
    [
        *(POINT[:kept] + PRIVATE for kept in (60, 80, 86, 87)),
        f"{POINT[:80]}{PRIVATE}@example.com",
        *(start + SCALAR.hex()[2:].upper() for start in ("BA", "BE", "BF", "AE")),
        *(SCALAR.hex(separator).upper() for separator in "-._:"),
        *(SCALAR.hex("-", 8), SCALAR.hex(".", 4)),
        "302e020100300506032b657004220420" + SCALAR.hex(),
    ],
)
def test_a_private_key_is_found_in_what_looks_like_another(text: str) -> None:
    assert contains_private_key(text)
    assert contains_private_key(text, is_key=True)


P384 = "c9806898a0334916c860748880a541f093b579a9b1f32934d86c363c39800357" + "3e0cf8a5d0f5bf13" * 2


@pytest.mark.parametrize(
    "text",
    [
        *(P384, f"0x{P384}", f"{P384}.", "0" * 32 + SCALAR.hex(), SCALAR.hex() + "0" * 32),
        *("00 " * 31 + "1f", f"2025-11-29, 2025-12-06: {SCALAR.hex()}"),
    ],
    ids=[
        *("P-384", "P-384 with 0x", "a full stop", "padded", "padded behind"),
        *("one in bytes", "behind dates"),
    ],
)
@pytest.mark.parametrize("is_key", [True, False])
def test_more_than_32_bytes_in_hexadecimal_are_a_key(text: str, is_key: bool) -> None:
    assert contains_private_key(text, is_key=is_key)


OTHER_KEYS = {
    "Ed25519": ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
    "P-384": ec.derive_private_key(2**380 + 7, ec.SECP384R1()),
    "RSA": rsa.generate_private_key(65_537, 1_024),  # noqa: S505 — short, so that it is quick
}


@pytest.mark.parametrize("key", OTHER_KEYS.values(), ids=OTHER_KEYS)
@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_private_keys_of_other_kinds_are_found(key: rsa.RSAPrivateKey, encoding: Encoding) -> None:
    raw = key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())
    text = raw.decode() if encoding is Encoding.PEM else b64encode(raw).decode()
    assert contains_private_key(text)
    assert contains_private_key(text.removeprefix("-----BEGIN PRIVATE KEY-----\n"))


def test_hexadecimal_of_32_bytes_is_a_key_though_it_may_be_a_hash() -> None:
    assert contains_private_key(hashlib.sha256(b"a name").hexdigest())
    assert not contains_private_key(hashlib.sha256(b"a name").hexdigest()[:-1])


@pytest.mark.parametrize("text", ["A" * 43, "marketing-campaigns-production-eu-west-1-v2"])
def test_a_field_for_a_key_may_not_hold_43_characters_at_all(text: str) -> None:
    assert contains_private_key(text, is_key=True)
    assert not contains_private_key(text)


@pytest.mark.parametrize(
    "text",
    [f"{'x' * 43}=", f'{{"kty": "EC", "d": "{"x" * 43}"}}', f"MIIEpAIBAAKC{'x' * 60}"],
    ids=["padded", "JWK", "DER"],
)
def test_a_form_that_only_keys_have_needs_no_randomness(text: str) -> None:
    assert contains_private_key(text)
    assert not contains_private_key("x" * 43)


def test_known_keys_are_passed_over() -> None:
    key = f"SG.{PRIVATE[:22]}.{PRIVATE}"
    known = re.compile(r"SG\.[\w-]{22}\.[\w-]{43}")
    assert not contains_private_key(f"our {key}", known=known)
    assert contains_private_key(f"our {key} {PRIVATE}", known=known)
    assert contains_private_key(key)


@pytest.mark.parametrize(
    "unit", ["-BEGIN ", "PRIVATE ", "{d:", "0x", "00:", "A", "aA1", " \\n", "ab-", "1, "]
)
def test_a_hostile_text_takes_no_time(unit: str) -> None:
    text = (unit * 600)[:600]
    assert least_quiet_ms(lambda: contains_private_key(text, is_key=True), enough=20) <= 20


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    assert contains_private_key(text) in (True, False)
