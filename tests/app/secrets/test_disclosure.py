"""Does a text show a secret?"""

# ruff: noqa: RUF001 — these characters are meant

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.secrets.disclosure import find_disclosures, names_secret
from app.secrets.secret import Secret
from tests.support.thread_time import least_quiet_ms

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


NAMED = [  # in front of anything
    *("PASSWORD={}", "SMTP_PASSWORD={}", "export VONAGE_API_SECRET='{}'", "- SMTP_PW={}"),
    *('$env:SMTP_PASS="{}"', "--token={}", "spring.mail.password={}", "config['apiKey'] = '{}'"),
    *('{{"apiSecret": "{}"}}', '"api_secret":"{}",', "smtpPass={}", "clientSecret: {}"),
    *("password: {}", "apikey:{}@smtp.sendgrid.net", "API secret: {}", "Auth Token = {}"),
    *("X-API-Key: {}", "SENDGRID_API_KEY_EU={}", "SECRET_KEY_BASE={}", "Password (prod): {}"),
    *("SMTP_AUTH={}", "PASSPHRASE={}", "TWILIO_AUTH_TOKEN={}", "PASS\u200bWORD={}"),
    *("ＰＡＳＳＷＯＲＤ＝{}", "FROM=ACME\nTOKEN={}", "Passwort: {}", "API-Schlüssel: {}"),
    *("Kennwort：{}", "Mot de passe : {}", "Clé API : {}", "Contraseña: {}", "Senha: {}"),
    *("Şifre: {}", "كلمة المرور: {}"),
]
NOT_NAMED = [
    *("Turkey: +905551234567", "monkey=a@b.com", "Compass: x", "OAuth: +447700900000"),
    *("PASSWORD_RESET_FROM=news@acme.com", "TOKEN_EMAIL=a@b.com", "KEY_ID=abcdefgh"),
    *("Password reset: a@b.com", "Key accounts = VIP", "TWILIO_FROM=ACME", "whatsapp:+1"),
    *("PUBLIC_KEY=BHn...", "publicKey: BHn...", "Public Key:\nBHn...", "vapidPublicKey=BHn"),
    *("https://acme.com/contact?token=abcdefgh", "mailto:a@b.com?subject=key:x"),
    *("https://acme.com/password:reset", "bounces+token=abcdefgh@acme.com"),
]
VARIABLES = [  # also in a text of words
    *("VONAGE_API_SECRET={}", "export VONAGE_API_SECRET={}", "PASSWORD={}", "password={}"),
    *("SMTP_PASSWORD: {}", "TWILIO_AUTH_TOKEN='{}'", "api_key: {}", "API_KEY = {}"),
    *("apiKey: {}", '"apiSecret": "{}"', '{{"password":"{}"}}', "X-API-Key: {}"),
    *('$env:SMTP_PASS="{}"', "Production VONAGE_API_SECRET={}", "mail.password={}"),
]
WORDS = [
    *("Password reset mails", "Token: refresh", "Reset password: Acme", "Key accounts = VIP"),
    *("Password: reset", "Key: Accounts", "API key: rotation", "Passwords: reset and forgotten"),
    *("OAuth: Google", "Two-Factor-Auth: Customers", "Web_Push_Key: Berlin", "Turkey=Istanbul"),
    *("Secret=Santa", "PUBLIC_KEY=abcdefgh", "see https://acme.com/?token=abcdefgh"),
]


@pytest.mark.parametrize("form", NAMED)
def test_a_value_behind_the_name_of_a_secret_is_one(form: str) -> None:
    assert names_secret(form.format("hunter22"))


@pytest.mark.parametrize("text", NOT_NAMED)
def test_a_value_behind_another_name_is_no_secret(text: str) -> None:
    assert not names_secret(text)


@pytest.mark.parametrize("form", VARIABLES)
def test_a_variable_that_is_called_a_secret_is_one_in_any_text(form: str) -> None:
    assert names_secret(form.format("hunter22"), is_free=True)


@pytest.mark.parametrize("text", WORDS)
def test_words_in_front_of_words_name_no_secret(text: str) -> None:
    assert not names_secret(text, is_free=True)


@pytest.mark.parametrize("is_free", [True, False])
@pytest.mark.parametrize(
    "text", ["token", "key_", "(a", ",a_", "a.\n", "secret v1 ", "(", "'", '"a', "\n", "A="]
)
def test_hostile_names_are_read_quickly(text: str, *, is_free: bool) -> None:
    long = text * (1_200 // len(text))
    assert least_quiet_ms(lambda: names_secret(long, is_free=is_free), enough=10) <= 10
