"""No private key lands in a field that everybody sees: each field, body and spelling."""

import json
from collections.abc import Mapping

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import (
    CreateIntegrationBody,
    ReplaceCredentialsBody,
    UpdateIntegrationBody,
    build_body_schemas,
)
from app.providers.registry import load_providers
from tests.support.private_keys import (
    PUBLIC_SPELLINGS,
    SPELLINGS,
    SURROUNDINGS,
    make_key,
)
from tests.support.public_texts import (
    KEY,
    MAIL,
    PATH,
    PRIV,
    PUB,
    PUSH,
    findings,
)
from tests.support.service import Service

SCHEMAS = build_body_schemas(load_providers())
DER = SPELLINGS["PKCS#8 base64"](KEY)
TEXTS = ("name", "senderName", "vapidPublicKey")


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


@pytest.mark.parametrize("kept", [20, 60, 80, 86])
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
