"""Does a text show a secret?"""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.secrets.disclosure import find_disclosures
from app.secrets.secret import Secret

KEY = "Wq7/x+Zk2m-9Vb_31"
PLAIN = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=8)


def base64(text: str, encoding: str = "utf-8") -> str:
    """Return *text* in base64."""
    return b64encode(text.encode(encoding)).decode()


COMPOSED = (  # what has the secret as a part
    *(f'{{"apiSecret":"{KEY}"}}', f'{{ "id": 1, "api_key" : "{KEY}" }}', f"sk:{KEY}"),
    *(f"user:{KEY}", f"apikey {KEY}", f"user/{KEY}", f"user:eu:{KEY}", f"ID=AC1;TOKEN={KEY};"),
    *(f"amqps://user:{KEY.replace('/', '%2F')}@host/v", f"https://{KEY.replace('/', '')}@host/1"),
    *(base64(f"user:{KEY}"), f"user:{KEY}".encode().hex(), f"Basic {base64(f'user:{KEY}')}"),
    *(json.dumps(json.dumps({"token": KEY})), base64(json.dumps({"password": KEY}))),
    f"https://host.example/v1?from=us&api_key={KEY.replace('+', '%2B')}&b=c",
)
ACCOUNT = json.dumps(
    {
        "type": "service_account",
        "project_id": "my-shop-production",
        "private_key_id": "0123456789abcdef",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQ",
        "client_email": "push@my-shop-production.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
)


def discloses(text: str, secret: Secret) -> bool:
    texts = {"other": "another text", "text": text, "short": "a"}
    return list(find_disclosures(texts, [Secret(b"no such thing"), secret])) == ["text"]


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        (KEY, KEY),
        (f" {KEY}\n", KEY),
        (f"'{KEY}'", KEY),
        (f"Bearer {KEY}", KEY),
        (f"API_KEY={KEY}", KEY),
        (f"' Bearer {KEY} '", KEY),
        (KEY, f" {KEY} "),
        (KEY, KEY.encode().hex()),
        (KEY, b64encode(KEY.encode()).decode()),
        (KEY.encode().hex(), KEY),
        (b64encode(KEY.encode()).decode(), KEY),
        (KEY.encode().hex(), b64encode(KEY.encode()).decode()),
        (KEY, ".".join(KEY[at : at + 4] for at in range(0, len(KEY), 4))),
        (KEY, "-".join(KEY[at : at + 4] for at in range(0, len(KEY), 4))),
        (KEY, "_".join(KEY)),
        (KEY.encode().hex(), KEY.encode().hex("-").upper()),
        *((KEY, separator.join(KEY)) for separator in "|·/+…\u2011\u2212\u00ad\u200b\u0301\u0336"),
        *((KEY, separator.join(KEY)) for separator in "\u3164\uffa0\u115f\u2800\U000e0041"),
        (KEY, "".join(chr(ord(character) + 0xFEE0) for character in KEY)),
        (KEY, "".join(f"&#{ord(character)};" for character in KEY)),
        (KEY, "".join(f"%{ord(character):02X}" for character in KEY)),
        (KEY, "".join(f"\\u{ord(character):04x}" for character in KEY)),
        (KEY, f"Authorization: Basic {base64(f'user:{KEY}')}"),
        (KEY, f"Basic {base64(f'apikey:{KEY}').rstrip('=')}, please"),
        (KEY, f"https://push.example/{base64(f'a:{KEY}')}"),
        (KEY, f"https://push.example/v1/{base64(f'ab:{KEY}')}/messages?k=1"),
        *(
            (KEY, f"https://push.example/{base64(f'{name}:{KEY}')}/ab")
            for name in ("a", "ab", "abc")
        ),
        (KEY, f"AUTH={base64(f'abc:{KEY}')}"),
        (KEY, base64(f'{{"apiKey": "{KEY}"}}')),
        (KEY, base64(f"user:{KEY}", "utf-16-le")),
        (KEY, f"user:{KEY}".encode().hex()),
        *((secret, f"our {KEY} here") for secret in COMPOSED),
        ("!?!?!?!?", "what is !?!?!?!? here"),
        ("pässword", "pässword"),
        ("pa\u0308ssword", "pässword"),
        ("пароль-123", "the пароль 123"),
        ("a&amp;b-secret", "a&b secret"),
        ("ab%41cd\\efgh", "ab%41cd\\efgh"),
    ],
)
def test_a_secret_is_recognised(secret: str, text: str) -> None:
    assert discloses(text, Secret(secret.encode()))


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("mailing", "mailing"),
        (" mailing ", "the mailing list"),
        (KEY, KEY[:-1]),
        (ACCOUNT, "Push of my-shop-production"),
        (ACCOUNT, "push@my-shop-production.iam.gserviceaccount.com, 0123456789abcdef"),
        (f"user-of-marketing:{KEY}", "user-of-marketing"),
        ("correct horse battery-staple", "the battery-staple"),
        (f"https://push.example/{KEY[:3]}", "push.example"),
        (KEY, "a text of another kind"),
        ("a" * 8_192, "aaaaaaaa" * 10),
        ("\udcff" * 3, "anything at all"),
    ],
)
def test_another_text_is_not(secret: str, text: str) -> None:
    assert not discloses(text, Secret(secret.encode(errors="replace")))


@given(PLAIN, st.text(max_size=20), st.text(max_size=20))
def test_any_secret_is_recognised_within_any_text(secret: str, before: str, after: str) -> None:
    unescaped = secret.replace("%", "").replace("\\", "") + "12345678"
    assert discloses(f"{before} {unescaped} {after}", Secret(unescaped.encode()))


@given(st.binary(max_size=60), st.text(max_size=60))
def test_any_bytes_and_text_have_an_answer(secret: bytes, text: str) -> None:
    assert discloses(text, Secret(secret)) in (True, False)
