"""Private keys in texts, in every usual spelling, and what must not be taken for one."""

import hashlib
import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
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
NOT_DIRECTLY = [name for name in SURROUNDINGS if not name.startswith("directly")]


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_private_key_is_found_in_each_spelling(spelling: Spelling) -> None:
    assert contains_private_key(spelling(KEY))
    assert contains_private_key(spelling(KEY), is_key=True)


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


@pytest.mark.parametrize(
    "secret",
    [
        POINT + PRIVATE,
        urlsafe_b64encode(PRIVATE.encode()).decode().rstrip("="),
        urlsafe_b64encode(f'{{"privateKey":"{PRIVATE}"}}'.encode()).decode(),
        urlsafe_b64encode(SPELLINGS["PEM"](KEY).encode()).decode(),
    ],
    ids=["behind a public key", "base64 once more", "in JSON, in base64", "PEM, in base64"],
)
@pytest.mark.parametrize("address", ["https://push.example/{}", "https://push.example/a?k={}#b"])
def test_a_private_key_is_found_in_an_address(secret: str, address: str) -> None:
    assert contains_private_key(address.format(secret))


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


def test_two_uuids_are_no_private_key() -> None:
    assert not contains_private_key(
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6-0b4f4dc6-8a1e-4c3f-9a52-1d2a7d5e9b10"
    )


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


Z = "0" * 32
ORDINARY = {
    "a word": "Production",
    "a sentence": "The push messages of our shop in Istanbul, Berlin and São Paulo since 2025",
    "about keys": "My private key service, with a begin and an end: key of the private client",
    "about keys, with hyphens": "Front-end private key - of the back-end private key-value store",
    "43 small letters": "x" * 43,
    "43 capital letters": "X" * 43,
    "43 letters, words": "MarketingCampaignsProductionEuropeNewslett",
    "43 characters, hyphens": "marketing-campaigns-production-eu-west-1-v2",
    "43 characters, capitals": "Example-Company-Newsletter-Production-East1",
    "43 characters, underscores": "SendGrid_EU_Marketing_Newsletter_Production",
    "43 characters, MD5": "production-d41d8cd98f00b204e9800998ecf8427e",
    "a long slug": "sendgrid-integration-of-the-marketing-department-in-europe-for-2026-v2",
    "an id of ours": "sendgrid-integration-int_01h455vb4pex5vsknk084sn02q",
    "UUID": "550e8400-e29b-41d4-a716-446655440000",
    "UUID in a name": "Integration 550e8400-e29b-41d4-a716-446655440000 production",
    "UUID directly behind": "integration-550e8400-e29b-41d4-a716-446655440000",
    "SHA-1": "release-da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "Twilio account": f"AC{Z}",
    "Twilio account, real": "ACd41d8cd98f00b204e9800998ecf8427e",
    "Twilio API key": "SKd41d8cd98f00b204e9800998ecf8427e",
    "Twilio service": f"MG{Z}",
    "phone number": "+905551234567",
    "email": "marketing-campaigns.newsletter+bounces@mail.production.example.com",
    "address of a page": "https://www.example.com/en/company/Contact/Support/web-push/v2?from=1",
    "no Latin": "إشعارات المتجر الإلكتروني لجميع العملاء في المملكة العربية السعودية 2026",
    "emoji": "👩‍👩‍👧‍👦 family newsletter 👩‍👩‍👧‍👦 of the whole production region",
    "shortened examples": "BHn... and SG.abc123... and your_twilio_auth_token",
    "a key's id between words": "Notifications KwPxQ3N1RkmXy7zT2aVbLg production-eu-west-1 OAuth2",
    "a key of another kind": "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY key of Google",
    "CamelCase and digits": "app/GCM/MyCompanyPushAppProductionV2-EU1 for Android, iOS 17 and Web",
    "short words": "iPhone/iPad/Android Push: B2B & B2C, Q4/2026 Kampagne DE1/AT2/CH3",
    "addresses": "10.1.0.1, 10.1.0.2, 10.0.0.1, 10.0.0.2, 10.0.0.3, 8.8.8.8, 1.1.1.1, 9.9.9.9",
    "numbers": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22",
    "a form": f"see https://docs.example/forms/d/e/1FAIpQLSd{PRIVATE}vT9cW/viewform, please",
    "JSON": '{"name": "d", "d": "short"}',
    "CamelCase with a year": "WebPushNotificationsForTheNewCustomerPortal2025Q4",
    "CamelCase with a version": "ProdEmailSenderForOrderConfirmationAndInvoicesV2",
    "CamelCase with a region": "TwilioSmsSenderForTwoFactorAuthenticationProdEU1",
    "CamelCase with umlauts": "KampagnenVersandFürÖsterreichUndDieSchweiz2025Q4",
    "words with dots": "Acme.Prod.EU.SendGrid.Transactional.Mail.B2C.Shop.DE",
}


@pytest.mark.parametrize("text", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_text_is_no_private_key(text: str) -> None:
    assert not contains_private_key(text)


WORDS = ("web", "Push", "sms", "EU", "2", "news-letter", "Example", "prod", "v1", "GmbH")


@given(st.lists(st.sampled_from(WORDS)))
def test_words_are_no_private_key(words: list[str]) -> None:
    assert not contains_private_key(" ".join(words))
    assert not contains_private_key("-".join(words).lower())


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
