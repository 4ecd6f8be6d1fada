"""Is a text a value behind the name of a secret?"""

# ruff: noqa: RUF001 — these characters are meant

import pytest

from app.secrets.secret_names import names_secret
from tests.support.thread_time import least_quiet_ms

NAMED = [  # in front of anything
    *("PASSWORD={}", "SMTP_PASSWORD={}", "export VONAGE_API_SECRET='{}'", "- SMTP_PW={}"),
    *('$env:SMTP_PASS="{}"', "--token={}", "spring.mail.password={}", "config['apiKey'] = '{}'"),
    *('{{"apiSecret": "{}"}}', '"api_secret":"{}",', "smtpPass={}", "clientSecret: {}"),
    *("password: {}", "apikey:{}@smtp.sendgrid.net", "API secret: {}", "Auth Token = {}"),
    *("X-API-Key: {}", "SENDGRID_API_KEY_EU={}", "SECRET_KEY_BASE={}", "Password (prod): {}"),
    *("SMTP_AUTH={}", "PASSPHRASE={}", "TWILIO_AUTH_TOKEN={}", "PASS\u200bWORD={}"),
    *("ＰＡＳＳＷＯＲＤ＝{}", "FROM=ACME\nTOKEN={}", "Passwort: {}", "API-Schlüssel: {}"),
    *("Kennwort：{}", "Mot de passe : {}", "Clé API : {}", "Contraseña: {}", "Senha: {}"),
    *("MOT_DE_PASSE={}", "Chave de API: {}", "Clé d'API : {}", "API Anahtarı: {}", "Clave API: {}"),
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
    *('password = "{}"', '$password = "{}";', 'final String password = "{}";', "token => '{}'"),
]
WORDS = [
    *("Password reset mails", "Token: refresh", "Reset password: Acme", "Key accounts = VIP"),
    *("Password: reset", "Key: Accounts", "API key: rotation", "Passwords: reset and forgotten"),
    *("OAuth: Google", "Two-Factor-Auth: Customers", "Web_Push_Key: Berlin", "Turkey=Istanbul"),
    *("Password = reset", 'Key = "VIP"'),
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
