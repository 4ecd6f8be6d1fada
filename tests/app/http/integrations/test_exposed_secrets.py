"""No secret of an integration lands in what everybody sees, and the other way round."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from urllib.parse import quote

import httpx2
import pytest

from tests.support.private_keys import (
    SPELLINGS,
    make_key,
)
from tests.support.public_texts import (
    ACCOUNT,
    KEY,
    MAIL,
    PATH,
    PRIV,
    PUB,
    PUSH,
    SG,
    SMS,
    TOKEN,
    findings,
)

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


IDS = [
    *(ACCOUNT, f" {ACCOUNT}\n", f"'{ACCOUNT}'", f"SID={ACCOUNT}", f"TWILIO_ACCOUNT_SID={ACCOUNT}"),
    *(f"\u2022 {ACCOUNT}", f"- {ACCOUNT}", f"{ACCOUNT}.", f"{ACCOUNT}…,", f"**{ACCOUNT}**"),
    *(f"{ACCOUNT[:9]}\u200b{ACCOUNT[9:]}", f"{ACCOUNT[:9]} {ACCOUNT[9:]}"),
]


@pytest.mark.parametrize("key", IDS)
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
        ("TWILIO", {"apiKey": f"{ACCOUNT}:k1k1k1k1"}),
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


PASTED = {
    "web-push, JSON": f'{{"publicKey":"{PUB}","privateKey":"{PRIV}"}}',
    "web-push": f"=====\n\nPublic Key:\n{PUB}\n\nPrivate Key:\n{PRIV}\n\n=====",
    "a file of variables": f"VAPID_SUBJECT=x\nVAPID_PUBLIC_KEY={PUB}\nVAPID_PRIVATE_KEY={PRIV}",
    "code": f"{{ publicKey: '{PUB}', privateKey: '{PRIV}' }}",
    "a secret of AWS": f'{{"VAPID_PUBLIC_KEY":"{PUB}","VAPID_PRIVATE_KEY":"{PRIV}"}}',
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED)
def test_a_public_key_next_to_the_private_one_is_no_secret(
    client: httpx2.Client, text: str
) -> None:
    public, private = {"vapidPublicKey": PUB}, {"vapidPrivateKey": text}
    warned = ("vapidPrivateKey", "TEXT_AROUND")
    assert warned in findings(client.post(PATH, json=PUSH | public | private), 201)
    public_first = client.post(PATH, json=PUSH | public).headers["Location"]
    assert warned in findings(client.put(f"{public_first}/credentials", json=private), 200)
    private_first = client.post(PATH, json=PUSH | private).headers["Location"]
    assert findings(client.patch(private_first, json=public), 200) == []
    assert findings(client.patch(private_first, json={"senderName": f"x {PRIV}"})) == [
        ("senderName", "LOOKS_LIKE_SECRET")
    ]


CUT = {
    "without its first character": PUB[1:],
    "the private key": PRIV,
    "both": f"{PUB} {PRIV}",
    "both in lines": f"{PUB}\n{PRIV}",
}


@pytest.mark.parametrize("text", CUT.values(), ids=CUT)
def test_what_is_no_whole_public_key_is_not_called_a_private_one(
    client: httpx2.Client, text: str
) -> None:
    refused = client.post(PATH, json=PUSH | {"vapidPublicKey": text})
    assert findings(refused) == [("vapidPublicKey", "LOOKS_LIKE_SECRET")]
    [detail] = refused.json()["result"]["details"]
    assert detail["message"].startswith(
        "This is not one whole public key; it may contain a private"
    )


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


# ----- What everybody sees, given as a secret -----
REPEATED = [
    (MAIL | {"senderEmail": "ada@example.com"}, "apiKey", "ada@example.com", "senderEmail"),
    (MAIL | {"senderEmail": "ada@example.com"}, "apiKey", "'ada@example.com'", "senderEmail"),
    (SMS | {"senderPhone": "+447700900123"}, "apiSecret", "+447700900123", "senderPhone"),
    *(
        (PUSH | {"vapidPublicKey": PUB}, "vapidPrivateKey", each, "vapidPublicKey")
        for each in (PUB, f"{PUB}=", b64encode(PUB.encode()).decode())
    ),
]


@pytest.mark.parametrize(("body", "field", "value", "public"), REPEATED)
def test_a_public_value_in_the_place_of_a_secret_is_wrong_there(
    client: httpx2.Client, body: dict[str, str], field: str, value: str, public: str
) -> None:
    created = client.post(PATH, json={**body, "name": f"n {body[public]}"[:120], field: value})
    place = client.post(PATH, json=body).headers["Location"]
    replaced = client.put(f"{place}/credentials", json={field: value})

    for refused in (created, replaced):
        assert refused.status_code == 400
        [detail] = refused.json()["result"]["details"]
        assert (detail["field"], detail["code"]) == (field, "LOOKS_LIKE_SECRET")
        assert detail["message"].startswith(f"This is the value of {public}")
