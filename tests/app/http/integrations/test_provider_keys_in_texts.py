"""Keys of providers in what everybody sees are warnings; ids and links are none."""

import httpx2
import pytest
from msgspec.structs import replace

from app.providers.key_finder import KeyFinder
from app.providers.registry import load_providers
from tests.support.public_texts import ACCOUNT, MAIL, PATH, PRIV, PUB, SG, TOKEN, findings

PROVIDERS = load_providers()
FINDER = KeyFinder(PROVIDERS)
MD5, SHA_1 = "8b119da50629c4068a1e4c3f9a521d2a", "da39a3ee5e6b4b0d3255bfef95601890afd80709"
LINKS = (
    f"https://www.notion.so/acme/Plan-Q4-{MD5}?v={MD5}",
    f"see notion.so/{MD5}",
    f"https://gist.github.com/ada/{MD5}#file-plan-md",
    f"https://www.loom.com/share/{MD5}?sid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "https://acme.box.com/s/k3v9x1q7m2p8w4z6t5y0r1n3b7c9d2f4",
    "https://us02web.zoom.us/j/81234567890?pwd=Q1dXa2VrT0p5bWc2Ym9xTHhGdkR3Zz09",
    "https://us02web.zoom.us/j/81234567890?pwd=a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "https://mail.google.com/mail/u/0/#inbox/FMfcgzQXJWDsKmvPLbTRn2gCkZxVqYwd",
    f"https://outlook.office.com/mail/inbox/id/{MD5}",
    f"https://acme.sharepoint.com/sites/push/Shared%20Documents/Plan.docx?d=w{MD5}&csf=1",
    f"https://github.com/acme/push/commit/{SHA_1}",
    f"https://www.gravatar.com/avatar/{MD5}.png",
    f"https://cdn.example.com/{MD5}",
)


@pytest.mark.parametrize("contact", [f"https://push.example/{SG}", f"https://push.example/?k={SG}"])
def test_a_key_of_a_provider_in_an_address_is_a_warning(
    client: httpx2.Client, contact: str
) -> None:
    body = {"name": "Push", "type": "WEB_PUSH", "channel": "PUSH", "settings": {"contact": contact}}

    assert findings(client.post(PATH, json=body), 201) == [
        ("settings.contact", "LOOKS_LIKE_PROVIDER_KEY")
    ]


def test_a_key_of_a_provider_in_a_setting_of_any_words_is_a_warning(client: httpx2.Client) -> None:
    settings = {"onBehalfOf": f"SK{'0a' * 16}"}

    answer = client.post(PATH, json=MAIL | {"settings": settings})

    assert ("settings.onBehalfOf", "LOOKS_LIKE_PROVIDER_KEY") in findings(answer, 201)


@pytest.mark.parametrize("field", ["name", "senderName"])
def test_a_whole_key_of_a_provider_is_a_warning(client: httpx2.Client, field: str) -> None:
    for text in (SG, f"our key {SG}, please keep"):
        answer = client.post(PATH, json=MAIL | {field: text})
        assert findings(answer, 201) == [(field, "LOOKS_LIKE_PROVIDER_KEY")]
        changed = client.patch(answer.headers["Location"], json={field: f"{text}."})
        assert findings(changed, 200) == [(field, "LOOKS_LIKE_PROVIDER_KEY")]
    strict = client.post(PATH, json=MAIL | {field: SG}, headers={"Prefer": "handling=strict"})
    assert findings(strict, 422) == [(field, "LOOKS_LIKE_PROVIDER_KEY")]
    assert SG not in strict.text


@pytest.mark.parametrize(
    ("text", "is_key"),
    [
        (SG, True),
        (f"key: {SG}", True),
        (f"x{SG}", False),
        (SG[:-1], True),
        (f"our key {SG[:-2]}, EU", True),
        (f"SK{'0a' * 15}0", True),
        (SG[:-20], False),
        (f"{ACCOUNT[:-1]}", False),
        ("a" * 96, True),  # Elastic Email's: 96 hexadecimal digits
        (f"SK{'0a' * 16}", True),
        (f"Twilio-SK{'0a' * 16}", True),
        (f"{ACCOUNT}:SK{'0a' * 16}", True),
        (f"https://a.example/b/SK{'0a' * 16}?c=d", True),
        # The id of an account, which everybody may see
        (ACCOUNT, False),
        (f"Twilio {ACCOUNT}", False),
        (f"Twilio-{ACCOUNT}_prod", False),
        (f"Twilio ({ACCOUNT}), AC{'1' * 32}.", False),
        (f"MG{'0' * 32}", False),
        ("MarketingCampaignsProduction2026", False),
        ("Whatever", False),  # the format of Vonage's key: eight letters
        ("abcd1234", False),
        ("+905551234567", False),
        ("marketing@example.com", False),
        (PUB, False),
        (PRIV, False),  # an error, not a warning
        ('{"type": "service_account"}', False),
        ("", False),
        # Ids and hashes, which are nothing but letters and digits
        *((link, False) for link in LINKS),
        (f"Deploy of {SHA_1}", False),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", False),
        ("FMfcgzQXJWDsKmvPLbTRnHgCkZxVqYwd", False),
    ],
)
@pytest.mark.parametrize("type_", PROVIDERS)
def test_a_key_with_a_mark_is_found_in_texts_of_any_provider(
    text: str, is_key: bool, type_: str
) -> None:
    assert (FINDER.find(text, PROVIDERS[type_]) is not None) is is_key


@pytest.mark.parametrize(
    ("text", "is_key"),
    [
        (MD5, True),  # as the auth token
        (f"Release {MD5}", True),
        (f"build-{MD5}_v2", True),
        ("a1B2c3D4" * 4, True),  # the secret of an API key
        (f"Twilio-{TOKEN}", True),
        (f"{TOKEN}-prod", True),
        (f"twilio_{TOKEN}_eu1-2026", True),
        (f"_{TOKEN}_", True),
        (f"--token-{TOKEN}", True),
        (f"Schlüssel-{TOKEN}", True),
        (f"{ACCOUNT}-{TOKEN}", True),
        (f"{TOKEN}_{ACCOUNT}", True),
        (f"{TOKEN} (see https://a.example/b)", True),
        (f"https://{ACCOUNT}:{TOKEN}@api.example.com/2010-04-01/Accounts", True),
        (f"{'a1B2-' * 5}{TOKEN}", False),  # a part of base64url
        (f"x{TOKEN}-prod", False),
        *((link, False) for link in LINKS),
    ],
)
def test_a_key_without_a_mark_is_found_at_its_own_provider(text: str, is_key: bool) -> None:
    assert (FINDER.find(text, PROVIDERS["TWILIO"]) is not None) is is_key
    others = [provider for type_, provider in PROVIDERS.items() if type_ != "TWILIO"]
    assert not any(FINDER.find(text, provider) for provider in others)


@pytest.mark.parametrize("format_", ["[0-9a-f]{32}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"])
def test_an_id_is_a_key_only_at_a_provider_whose_keys_look_the_same(format_: str) -> None:
    digits = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    key = digits if "-[" in format_ else digits.replace("-", "")
    field = replace(PROVIDERS["ELASTIC_EMAIL"].fields["apiKey"], format=format_, example=key)
    new = replace(PROVIDERS["ELASTIC_EMAIL"], type="NEW", fields={"apiKey": field})
    finder = KeyFinder({**PROVIDERS, "NEW": new})

    for text in (key, f"our {key}", f"key-{key}"):
        assert finder.find(text, new)
        assert not finder.find(text, PROVIDERS["SENDGRID"])
    assert not finder.find(f"https://a.example/{key}", new)


def test_an_account_id_is_no_key(client: httpx2.Client) -> None:
    account, digits = f"AC{'0a' * 16}", "0123456789abcdef" * 2
    body = {"name": "SMS", "type": "TWILIO", "channel": "SMS", "apiKey": f"SK{digits}"}
    keys = {"apiSecret": "k" * 32, "settings": {"accountSid": account}}
    created = client.post(PATH, json=body | keys)
    assert ("settings.accountSid", "LOOKS_LIKE_PROVIDER_KEY") not in findings(created, 201)
    for field in ("name", "senderName"):
        changed = client.patch(created.headers["Location"], json={field: f"SMS of {account}"})
        assert ("NOT_USED" in changed.text) is (field == "senderName")
        assert "LOOKS_LIKE_PROVIDER_KEY" not in changed.text
