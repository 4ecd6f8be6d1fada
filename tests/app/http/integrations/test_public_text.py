"""No secret lands in a field that everybody sees: each field, body and spelling."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import (
    CreateIntegrationBody,
    ReplaceCredentialsBody,
    UpdateIntegrationBody,
    build_body_schemas,
)
from app.providers.key_finder import KeyFinder
from app.providers.registry import load_providers
from tests.support.private_keys import (
    PUBLIC_SPELLINGS,
    SPELLINGS,
    SURROUNDINGS,
    make_key,
)
from tests.support.service import Service

PATH = "/en/api/integration"
PROVIDERS = load_providers()
SCHEMAS = build_body_schemas(PROVIDERS)
KEY = make_key(1)
PRIV, PUB = SPELLINGS["base64url"](KEY), PUBLIC_SPELLINGS["base64url"](KEY)
DER = SPELLINGS["PKCS#8 base64"](KEY)
SG = f"SG.{'a1B2' * 5}cd.{'x9Y8' * 10}z7W"
PUSH = {"name": "Push", "type": "WEB_PUSH", "channel": "PUSH"}
MAIL = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL"}
ACCOUNT, TOKEN = f"AC{'0a' * 16}", "k1" * 16
TEXTS = ("name", "senderName", "vapidPublicKey")
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
FINDER = KeyFinder(PROVIDERS)
Findings = list[tuple[str, str]]


def findings(answer: httpx2.Response, status: int = 400) -> Findings:
    """Return field and code of each detail of *answer*."""
    assert answer.status_code == status, answer.text
    result = answer.json()["result"]
    found: list[dict[str, str]] = result.get("details") or result.get("warnings") or []
    return [(detail["field"], detail["code"]) for detail in found]


PASTED_PRIVATE_KEYS = {
    "sendgrid-nodejs#732 a space behind": f"{PRIV} ",
    "a space before": f" {PRIV}",
    "BOM": f"\ufeff{PRIV}",
    "single quotes": f"'{PRIV}'",
    "web-push-php#427 PKCS#8": DER,
    "web-push-php#156 PEM body": SPELLINGS["PEM body in one line"](KEY),
    "head in lower case": SPELLINGS["PEM in one line"](KEY).lower(),
    "PUB and PRIV": PUB + PRIV,
    "hexadecimal": SPELLINGS["hexadecimal"](KEY),
    "JWK": SPELLINGS["JWK"](KEY),
}


@pytest.mark.parametrize("text", PASTED_PRIVATE_KEYS.values(), ids=PASTED_PRIVATE_KEYS)
def test_a_private_key_as_public_key_is_refused_in_each_body(
    client: httpx2.Client, service: Service, text: str
) -> None:
    place = client.post(PATH, json=PUSH).headers["Location"]
    field = {"vapidPublicKey": text}
    for answer in (
        client.post(PATH, json=PUSH | field),
        client.patch(place, json=field),
        client.put(f"{place}/credentials", json=field),
    ):
        assert findings(answer) == [("vapidPublicKey", "LOOKS_LIKE_SECRET")]
        assert text not in answer.text
        assert PRIV not in answer.text
    stored = client.get(place).text + client.get(f"{place}/history").text
    assert PRIV not in stored
    assert "CREDENTIALS_ROTATED" not in stored
    assert PRIV not in service.log_file.read_text()


@pytest.mark.parametrize("field", ["name", "senderName", "senderEmail", "vapidPublicKey"])
def test_no_public_field_takes_a_private_key(client: httpx2.Client, field: str) -> None:
    value = f"{PRIV}@example.com" if field == "senderEmail" else PRIV
    place = client.post(PATH, json=MAIL).headers["Location"]
    assert findings(client.post(PATH, json=MAIL | {field: value})) == [(field, "LOOKS_LIKE_SECRET")]
    assert findings(client.patch(place, json={field: value})) == [(field, "LOOKS_LIKE_SECRET")]


@pytest.mark.parametrize(
    "address",
    [
        "reply+IXyMI5mXd8pWOq3TDx5DfHObyo@reply.example.com",
        "u1234567+aB3dE6gH9jK1mN4pQ7sT@em.acme.example.com",
        "bounces-Zk3Pq9XwT1vB7nMd5RcY2@b.eu-west-1.mail.example.org",
        "Zk3Pq9XwT1vB7nMd5RcY2LhG8sJf4KaQ6uEi0oWxC1bV3nM9@bounce.example.com",
    ],
)
def test_a_mailbox_with_a_random_name_is_no_private_key(
    client: httpx2.Client, address: str
) -> None:
    assert client.post(PATH, json=MAIL | {"senderEmail": address}).status_code == 201
    contact = {"settings": {"contact": f"mailto:{address}"}}
    assert client.post(PATH, json=PUSH | contact).status_code == 201


HEXADECIMAL = "0a" * 16
NAMED_SECRETS = [
    ("name", "VONAGE_API_SECRET=Abcd12345"),
    ("name", "export VONAGE_API_SECRET='Abcd12345'"),
    ("senderName", "SMTP_PASSWORD=hunter22"),
    ("senderName", f"TWILIO_AUTH_TOKEN={HEXADECIMAL}"),
    ("senderPhone", "VONAGE_API_SECRET=Abcd12345"),
    ("senderPhone", "export VONAGE_API_SECRET=Abcd12345"),
    ("senderPhone", "PASSWORD=hunter22"),
    ("senderPhone", "TOKEN=12345"),
    ("senderPhone", "Passwort: ACME"),
    ("senderEmail", "SMTP_PASSWORD=S3cret@acme.com"),
    ("senderEmail", "password: S3cret@acme.com"),
    ("senderEmail", "spring.mail.password=S3cret@acme.com"),
    ("settings.onBehalfOf", "password=S3cret@acme.com"),
    ("senderEmail", f"apikey:{SG}@smtp.sendgrid.net"),
    ("vapidPublicKey", "VONAGE_API_SECRET=Abcd12345"),
    ("settings.onBehalfOf", "SENDGRID_PASSWORD=hunter22"),
    ("settings.region", "TOKEN=EU"),
    ("settings.contact", "SMTP_PASSWORD=mailto:S3cret@acme.com"),
    ("settings.accountSid", f"TWILIO_AUTH_TOKEN={ACCOUNT}"),
]


@pytest.mark.parametrize(("field", "text"), NAMED_SECRETS)
@pytest.mark.parametrize("shape", [CreateIntegrationBody, UpdateIntegrationBody])
def test_a_value_behind_the_name_of_a_secret_is_refused_and_its_name_never_removed(
    shape: type, field: str, text: str
) -> None:
    outer, _, inner = field.partition(".")
    base = MAIL if shape is CreateIntegrationBody else {}
    with pytest.raises(InvalidFieldsError) as refused:
        SCHEMAS[shape].read(json.dumps({**base, outer: {inner: text} if inner else text}).encode())
    assert (field, "LOOKS_LIKE_SECRET") in {(n, each.code) for n, each in refused.value.findings}


@pytest.mark.parametrize("name", ["Password reset mails", "Token: refresh", "Key accounts = VIP"])
@pytest.mark.parametrize("field", ["name", "senderName"])
def test_an_ordinary_name_names_no_secret(client: httpx2.Client, field: str, name: str) -> None:
    created = client.post(PATH, json=MAIL | {field: name})
    assert created.json()["result"]["data"][field] == name


@pytest.mark.parametrize("text", [f"VAPID_KEY={PUB}", f"VAPID_PUBLIC_KEY={PUB}"])
def test_a_public_key_is_called_a_key_and_is_no_secret(client: httpx2.Client, text: str) -> None:
    assert client.post(PATH, json=PUSH | {"vapidPublicKey": text}).status_code == 201


@pytest.mark.parametrize("kept", [20, 44, 60, 80, 86])
@pytest.mark.parametrize("form", ["{}", "  {}\n", "{}...", "'{}'", "Public Key: {}"])
def test_a_public_key_that_was_cut_short_is_stored_with_a_warning(
    client: httpx2.Client, form: str, kept: int
) -> None:
    pair = {"vapidPublicKey": form.format(PUB[:kept]), "vapidPrivateKey": PRIV}
    answer = client.post(PATH, json=PUSH | pair)
    assert ("vapidPublicKey", "UNUSUAL_FORMAT") in findings(answer, 201)


BODIES: Mapping[str, tuple[type, Mapping[str, str], tuple[str, ...]]] = {
    "create": (CreateIntegrationBody, MAIL, TEXTS),
    "change": (UpdateIntegrationBody, {}, TEXTS),
    "credentials": (ReplaceCredentialsBody, {}, ("vapidPublicKey",)),
}


@settings(max_examples=400)
@given(
    st.sampled_from([*SPELLINGS]),
    st.sampled_from([*SURROUNDINGS]),
    st.sampled_from([(body, field) for body, (_, _, fields) in BODIES.items() for field in fields]),
    st.integers(0, 500),
)
def test_any_spelling_in_any_public_field_of_any_body_is_refused(
    spelling: str, surroundings: str, place: tuple[str, str], number: int
) -> None:
    (shape, body, _), field = BODIES[place[0]], place[1]
    text = SURROUNDINGS[surroundings](SPELLINGS[spelling](make_key(number)))
    with pytest.raises(InvalidFieldsError) as refused:
        SCHEMAS[shape].read(json.dumps({**body, field: text}).encode())
    assert field in {name for name, _ in refused.value.findings}


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


SECRET = "Wq7/x+Zk2m-9Vb_31"  # noqa: S105 — made up
WRITTEN: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "within a text": lambda secret: f"the key {secret}, keep it",
    "in quotes": lambda secret: f"'{secret}'",
    "with a zero-width space": lambda secret: f"{secret[:4]}\u200b{secret[4:]}",
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "a password in base64": lambda secret: f"Basic {b64encode(f'api:{secret}'.encode()).decode()}",
    "hexadecimal": lambda secret: secret.encode().hex().upper(),
    "percent": lambda secret: quote(secret, safe=""),
    "base64url": lambda secret: secret.replace("+", "-").replace("/", "_"),
}


@pytest.fixture
def place(client: httpx2.Client) -> str:
    """An integration with three secrets."""
    keys = {"apiKey": SECRET, "apiSecret": "another-secret", "vapidPrivateKey": PRIV}
    return client.post(PATH, json=MAIL | keys).headers["Location"]


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("field", ["name", "senderName", "vapidPublicKey"])
def test_a_secret_in_a_public_field_is_refused(
    client: httpx2.Client, place: str, field: str, write: Callable[[str], str]
) -> None:
    text = write(SECRET)
    refused = [(field, "LOOKS_LIKE_SECRET")]
    created = client.post(PATH, json=MAIL | {"apiKey": f"{SECRET}\n", field: text})
    changed = client.patch(place, json={field: text})
    assert findings(created) == refused
    assert findings(changed) == refused
    assert SECRET not in created.text + changed.text
    if field == "vapidPublicKey":
        assert findings(client.put(f"{place}/credentials", json={field: text})) == refused


SETTINGS = {
    "PRIV as a page": (PUSH, "contact", f"https://example.com/{PRIV}"),
    "PRIV in an address of a page": (PUSH, "contact", f"https://example.com/a?k={PRIV}&b=c"),
    "PRIV behind letters that nobody sees": (
        PUSH,
        "contact",
        f"https://münchen.example/{PRIV}\u2060#",
    ),
    "PRIV as a host": (
        PUSH,
        "contact",
        f"https://{SPELLINGS['base64url'](make_key(5))}.example.com/",
    ),
    "PRIV padded as a page": (PUSH, "contact", f"https://example.com/{PRIV}="),
    "DER as a page": (PUSH, "contact", f"https://example.com/{SPELLINGS['PKCS#8 base64url'](KEY)}"),
    "PRIV in hexadecimal as a page": (
        PUSH,
        "contact",
        f"https://example.com/{SPELLINGS['hexadecimal'](KEY)}",
    ),
    "PRIV and PUB as a page": (PUSH, "contact", f"https://push.example/{PRIV}{PUB}"),
    "PRIV as an address": (PUSH, "contact", f"mailto:{PRIV}@example.com"),
    "stored secret as an address": (PUSH, "contact", "mailto:another-secret@example.com"),
    "stored secret as a user": (MAIL, "onBehalfOf", "another-secret"),
    "PRIV as a user": (MAIL, "onBehalfOf", PRIV),
}


@pytest.mark.parametrize(("body", "name", "text"), SETTINGS.values(), ids=SETTINGS)
def test_no_setting_takes_a_secret(
    client: httpx2.Client, body: dict[str, str], name: str, text: str
) -> None:
    secret, field = {"apiSecret": "another-secret"}, {"settings": {name: text}}
    refused = [(f"settings.{name}", "LOOKS_LIKE_SECRET")]
    assert findings(client.post(PATH, json=body | secret | field)) == refused
    place = client.post(PATH, json=body | secret).headers["Location"]
    assert findings(client.patch(place, json=field)) == refused
    assert text not in client.get(f"{place}/history").text


def test_a_private_key_that_is_stored_with_its_public_one_is_refused_once(
    client: httpx2.Client,
) -> None:
    keys = {"vapidPublicKey": PUB, "vapidPrivateKey": PRIV}
    place = client.post(PATH, json=PUSH | keys).headers["Location"]

    assert findings(client.patch(place, json={"senderName": f"x-{PRIV[:42]}-{PRIV[42:]}"})) == [
        ("senderName", "LOOKS_LIKE_SECRET")
    ]


def test_a_new_secret_that_is_a_setting_is_refused(client: httpx2.Client) -> None:
    body = PUSH | {"settings": {"contact": "mailto:push-team@example.com"}}
    place = client.post(PATH, json=body).headers["Location"]
    answer = client.put(f"{place}/credentials", json={"apiKey": "push-team@example.com"})
    assert findings(answer) == [("apiKey", "LOOKS_LIKE_SECRET")]


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


SMS = {"name": "SMS", "type": "TWILIO", "channel": "SMS"}


@pytest.mark.parametrize("key", [ACCOUNT, f" {ACCOUNT}\n", f"'{ACCOUNT}'", f"SID={ACCOUNT}"])
def test_an_account_id_is_no_secret(client: httpx2.Client, key: str) -> None:
    keys = {"apiKey": key, "apiSecret": TOKEN}
    shown = {"settings": {"accountSid": ACCOUNT}}
    both = client.post(PATH, json=SMS | keys | shown)
    assert both.status_code == 201
    assert client.patch(both.headers["Location"], json={"name": ACCOUNT}).status_code == 200
    setting_first = client.post(PATH, json=SMS | shown).headers["Location"]
    assert client.put(f"{setting_first}/credentials", json=keys).status_code == 200
    key_first = client.post(PATH, json=SMS | keys).headers["Location"]
    assert client.patch(key_first, json=shown).status_code == 200


@pytest.mark.parametrize(
    ("type_", "secrets"),
    [
        ("TWILIO", {"apiKey": f"SK{'0a' * 16}"}),
        ("TWILIO", {"apiKey": f"{ACCOUNT}:{TOKEN}"}),
        ("TWILIO", {"apiSecret": ACCOUNT}),
        ("NEXMO", {"apiKey": ACCOUNT}),
    ],
)
def test_what_is_more_or_less_than_an_account_id_is_a_secret(
    client: httpx2.Client, type_: str, secrets: dict[str, str]
) -> None:
    [secret] = secrets.values()
    body, name = SMS | {"type": type_} | secrets, {"name": f"of {secret}"}
    assert findings(client.post(PATH, json=body | name)) == [("name", "LOOKS_LIKE_SECRET")]
    place = client.post(PATH, json=body).headers["Location"]
    assert findings(client.patch(place, json=name)) == [("name", "LOOKS_LIKE_SECRET")]


def test_a_hidden_boundary_in_a_text_makes_no_difference(client: httpx2.Client, place: str) -> None:
    changed = client.patch(place, json={"name": f"%00{SECRET}%00"})
    assert findings(changed) == [("name", "LOOKS_LIKE_SECRET")]


def test_a_secret_may_be_the_name_of_its_type(client: httpx2.Client) -> None:
    assert findings(client.post(PATH, json=MAIL | {"apiKey": "SENDGRID"}), 201)


def test_a_stored_secret_is_no_address(client: httpx2.Client, place: str) -> None:
    email = {"senderEmail": "another-secret@example.com"}
    assert findings(client.patch(place, json=email)) == [("senderEmail", "LOOKS_LIKE_SECRET")]


@pytest.mark.parametrize("field", ["apiKey", "apiSecret", "vapidPrivateKey"])
def test_a_new_secret_that_is_public_already_is_refused(client: httpx2.Client, field: str) -> None:
    texts = {"name": "The marketing team", "senderName": SECRET, "vapidPublicKey": PUB}
    place = client.post(PATH, json=PUSH | texts).headers["Location"]
    for secret in (SECRET, "The marketing team", PUB, b64encode(SECRET.encode()).decode()):
        answer = client.put(f"{place}/credentials", json={field: secret})
        assert findings(answer) == [(field, "LOOKS_LIKE_SECRET")]
        assert secret not in answer.text


def test_a_short_secret_may_be_in_a_text_by_chance(client: httpx2.Client) -> None:
    body = MAIL | {"name": "our mail", "apiKey": "mail", "apiSecret": "our mai"}
    place = client.post(PATH, json=body).headers["Location"]
    assert client.patch(place, json={"name": "our mail!"}).status_code == 200


def test_what_does_not_change_is_not_compared(client: httpx2.Client, place: str) -> None:
    assert client.patch(place, json={"isActive": False}).status_code == 200
    assert client.patch(place, json={"name": "Mail"}).status_code == 200
    assert client.patch(place, json={"name": "Other mail"}).status_code == 200


@pytest.mark.parametrize("locale", ["en", "es", "ar", "de", "fr", "pt", "tr"])
def test_each_refusal_is_told_in_seven_languages(
    client: httpx2.Client, place: str, locale: str
) -> None:
    path = f"/{locale}/api/integration"
    theirs = place.replace("/en/", f"/{locale}/")
    answers = [
        client.post(path, json=MAIL | {"senderName": PRIV}),
        client.patch(theirs, json={"senderName": SECRET}),
        client.put(f"{theirs}/credentials", json={"apiKey": "MailMail"}),
        client.post(path, json=MAIL | {"senderName": SG}),
    ]
    english = " ".join(answer.text for answer in answers)
    assert ("visible to everybody" in english) is (locale == "en")


def test_a_pair_is_compared_through_padding_and_line_breaks(client: httpx2.Client) -> None:
    other = make_key(2)
    public = PUBLIC_SPELLINGS["base64"](other)
    place = client.post(PATH, json=PUSH | {"vapidPublicKey": public}).headers["Location"]
    both = [("vapidPublicKey", "VAPID_MISMATCH")]
    written = [SPELLINGS[name](KEY) for name in ("base64 padded", "hexadecimal", "PEM", "JWK")]
    for private in (f"{PRIV}\n", f" {PRIV}=", f"'{PRIV}'", f"VAPID_PRIVATE_KEY={PRIV}", *written):
        keys = {"vapidPublicKey": public, "vapidPrivateKey": private}
        assert findings(client.post(PATH, json=PUSH | keys)) == both
        assert findings(client.put(f"{place}/credentials", json=keys)) == both
        one = client.put(f"{place}/credentials", json={"vapidPrivateKey": private})
        assert findings(one) == [("vapidPrivateKey", "VAPID_MISMATCH")]
    right = SPELLINGS["base64 padded"](other)
    assert client.put(f"{place}/credentials", json={"vapidPrivateKey": right}).status_code == 200
    assert findings(client.patch(place, json={"vapidPublicKey": PUB})) == both
