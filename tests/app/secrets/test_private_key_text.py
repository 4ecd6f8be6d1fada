"""Private keys in texts, in every usual spelling, and what must not be taken for one."""

import hashlib
import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

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
    base64,
    base64url,
    make_key,
    point,
    scalar,
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


SEPARATORS = (
    *"|,;.:*~·•…・/+_-",
    *"\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
    *"\u00ad\u200b\u200d\u2060\ufe0f\ufeff",  # nothing of them is seen
    *"\u3164\uffa0\u115f\u2800",  # nor of these, which are letters or symbols
    *"\u0301\u0336\u20dd",  # marks on the character before
    *(" ", ", ", " | ", "  \u2022  "),
)


def in_pieces(key: str, size: int, separator: str) -> str:
    return separator.join(key[at : at + size] for at in range(0, len(key), size))


@pytest.mark.parametrize("spelling", ["base64url", "hexadecimal", "PKCS#8 base64"])
@pytest.mark.parametrize("separator", SEPARATORS, ids=ascii)
def test_a_private_key_in_pieces_is_found(separator: str, spelling: str) -> None:
    sizes = (1, 2, 3, 4, 8, 11, 22)
    missed = [
        (number, size)
        for number in range(20)
        for size in sizes
        if not contains_private_key(
            in_pieces(SPELLINGS[spelling](make_key(number)), size, separator)
        )
    ]
    assert missed == []


def test_of_random_keys_few_in_a_thousand_are_missed() -> None:
    keys = [SPELLINGS["base64url"](make_key(number)) for number in range(2_000)]
    for text in ("{}", "our {}, please keep", "key{}", "{}key", "https://example.com/{}?a=b"):
        assert sum(not contains_private_key(text.format(key)) for key in keys) <= 6


@pytest.mark.parametrize("separator", SEPARATORS, ids=ascii)
def test_a_private_key_in_single_characters_is_found(separator: str) -> None:
    assert contains_private_key(separator.join(PRIVATE))
    assert contains_private_key(separator.join(SCALAR.hex()))


POINT = PUBLIC_SPELLINGS["base64url"](KEY)
SCALAR = urlsafe_b64decode(f"{PRIVATE}=")
HEXADECIMAL = SCALAR.hex()
OPENSSH = "".join(
    KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    .decode()
    .split("\n")[1:-2]
)


@pytest.mark.parametrize(
    "secret",
    [
        POINT + PRIVATE,
        urlsafe_b64encode(PRIVATE.encode()).decode().rstrip("="),
        urlsafe_b64encode(f'{{"privateKey":"{PRIVATE}"}}'.encode()).decode(),
        urlsafe_b64encode(SPELLINGS["PEM"](KEY).encode()).decode(),
        OPENSSH,
        b64decode(OPENSSH).hex(),
    ],
    ids=[
        *("behind a public key", "base64 once more", "in JSON, in base64", "PEM, in base64"),
        *("OpenSSH without its head", "OpenSSH in hexadecimal"),
    ],
)
@pytest.mark.parametrize("address", ["https://push.example/{}", "https://push.example/a?k={}#b"])
def test_a_private_key_is_found_in_an_address(secret: str, address: str) -> None:
    assert contains_private_key(address.format(secret))


@pytest.mark.parametrize("sign", ".,;:~!*_-+/=")
@pytest.mark.parametrize("address", ["https://push.example/{}", "https://push.example/a?k={}#b"])
def test_a_private_key_in_pieces_is_found_in_an_address(address: str, sign: str) -> None:
    missed = [
        (number, size)
        for number in range(40)
        for size in (1, 2, 3, 4, 8)
        if not contains_private_key(
            address.format(in_pieces(SPELLINGS["base64url"](make_key(number)), size, sign))
        )
    ]
    assert missed == []


@pytest.mark.parametrize(
    "form",
    ["{}x", "_{}", "{}7", "k{}k", "x{}&b=c", "{}0#now", "-{}-", "key-{}", "vapid_{}", "a?key={}"],
)
def test_a_private_key_in_an_address_may_have_one_character_more(form: str) -> None:
    keys = [SPELLINGS["base64url"](make_key(number)) for number in range(200)]
    missed = [
        key for key in keys if not contains_private_key(f"https://a.example/{form.format(key)}")
    ]
    assert all("1" in (key[0], key[-1]) for key in missed)


PRIVATE_PARTS: Mapping[str, Spelling] = {
    "base64url": lambda key: base64url(scalar(key)),
    "base64": lambda key: base64(scalar(key)).rstrip("="),
    "base64 padded": lambda key: base64(scalar(key)),
    "hexadecimal": lambda key: scalar(key).hex(),
    "capitals": lambda key: scalar(key).hex().upper(),
}
PAIRS: Mapping[str, Spelling] = {
    **{
        f"{one}, {other}": lambda key, one=one, other=other: (
            PRIVATE_PARTS[one](key) + PUBLIC_SPELLINGS[other](key)
        )
        for one in PRIVATE_PARTS
        for other in PUBLIC_SPELLINGS
    },
    **{
        f"{other}, {one}": lambda key, one=one, other=other: (
            PUBLIC_SPELLINGS[other](key) + PRIVATE_PARTS[one](key)
        )
        for one in PRIVATE_PARTS
        for other in PUBLIC_SPELLINGS
    },
    "bytes, private first": lambda key: base64url(scalar(key) + point(key)),
    "bytes, public first": lambda key: base64(point(key) + scalar(key)),
    "bytes, compressed": lambda key: base64url(scalar(key) + point(key, COMPRESSED)),
    "bytes, coordinates": lambda key: base64url(point(key)[1:] + scalar(key)),
    "base64 once more": lambda key: base64url(
        (base64url(scalar(key)) + base64url(point(key))).encode()
    ),
}
PLACES = ("{}", "our keys {} ok", *(f"https://push.example/{end}" for end in ("{}", "a?k={}#b")))


@pytest.mark.parametrize("place", [*PLACES, "https://{}.example", "mailto:{}@example.com"])
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_private_key_directly_next_to_its_public_one_is_found(pair: Spelling, place: str) -> None:
    missed = [
        number
        for number in range(8)
        if not contains_private_key(place.format(pair(make_key(number))))
    ]
    assert missed == []


@pytest.mark.parametrize("place", PLACES)
def test_a_private_key_directly_next_to_the_public_one_of_another_is_found(place: str) -> None:
    found = [
        contains_private_key(place.format(f"{PRIVATE_PARTS['base64url'](make_key(number))}{POINT}"))
        for number in range(2, 200)
    ]
    assert found.count(False) <= 1


@pytest.mark.parametrize("form", ["{}", "k.{}", "{}=push", "{}k", "vapid-{}", "key_{}"])
def test_a_private_key_as_a_mailbox_is_found(form: str) -> None:
    assert contains_private_key(f"mailto:{form.format(PRIVATE)}@mail.example.com")


@pytest.mark.parametrize(
    "text", ["PuTTY-User-Key-File-3: ssh-ed25519", "age: AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KH"]
)
def test_private_keys_of_other_tools_are_found(text: str) -> None:
    assert contains_private_key(text)
    assert not contains_private_key("Our PuTTY and age-secret-key accounts")


@pytest.mark.parametrize("at", [20, 43, 44, 60])
def test_a_public_key_with_a_space_in_it_is_no_private_one(at: int) -> None:
    assert not contains_private_key(f"{POINT[:at]} {POINT[at:]}", is_key=True)


def test_a_public_jwk_is_no_private_key_and_a_private_one_is() -> None:
    x, y = PRIVATE, PRIVATE[::-1]
    public = f'{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"'

    assert not contains_private_key(f"{public}}}", is_key=True)
    assert contains_private_key(f'{public},"d":"{PRIVATE}"}}', is_key=True)


@pytest.mark.parametrize("lost", [1, 5, 10])
def test_a_public_key_without_its_end_is_no_private_one(lost: int) -> None:
    assert not contains_private_key(POINT[:-lost], is_key=True)


@pytest.mark.parametrize(
    "text",
    [
        *(POINT[:kept] + PRIVATE for kept in (22, 60, 80, 86, 87)),
        f"{POINT[:80]}{PRIVATE}@example.com",
        *(start + HEXADECIMAL[2:].upper() for start in ("BA", "BE", "BF", "AE")),
        *(SCALAR.hex(separator).upper() for separator in "-._:"),
        *(SCALAR.hex("-", 8), SCALAR.hex(".", 4)),
        "302e020100300506032b657004220420" + HEXADECIMAL,
    ],
)
def test_a_private_key_is_found_in_what_looks_like_another(text: str) -> None:
    assert contains_private_key(text)
    assert contains_private_key(text, is_key=True)


P384 = "c9806898a0334916c860748880a541f093b579a9b1f32934d86c363c39800357" + "3e0cf8a5d0f5bf13" * 2


@pytest.mark.parametrize(
    "text",
    [
        *(P384, f"0x{P384}", f"{P384}.", "0" * 32 + HEXADECIMAL, HEXADECIMAL + "0" * 32, "0" * 64),
        *(str(int.from_bytes(SCALAR)), "00 " * 31 + "1f", f"2025-11-29, 2025-12-06: {HEXADECIMAL}"),
    ],
    ids=[
        *("P-384", "P-384 with 0x", "a full stop", "padded", "padded behind", "zeros"),
        *("decimal", "one in bytes", "behind dates"),
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


DECIMAL = str(int.from_bytes(SCALAR))


@pytest.mark.parametrize("sign", " ,._'")
@pytest.mark.parametrize("size", [3, 4, 5, 6, 8, 10, 12])
def test_a_private_key_as_a_number_in_groups_is_found(sign: str, size: int) -> None:
    assert contains_private_key(in_pieces(DECIMAL, size, sign))
    assert contains_private_key(f"key={in_pieces(DECIMAL[::-1], size, sign)[::-1]}!")


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
