"""No secret stands in the headers that events record (K1, K2)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import pytest

from tests.support.private_keys import PUBLIC_SPELLINGS, SPELLINGS, make_key

PATH = "/en/api/integration"
KEY, OTHER_KEY = make_key(1), make_key(2)
PRIV, PUB = SPELLINGS["base64url"](KEY), PUBLIC_SPELLINGS["base64url"](KEY)
TOKEN = "0123456789abcdef" + "0123456789abcdeF"
SMS = {"name": "SMS", "type": "TWILIO", "channel": "SMS", "apiSecret": TOKEN}
PUSH = {"name": "Push", "type": "WEB_PUSH", "channel": "PUSH", "vapidPublicKey": PUB}
ACCOUNT = f"AC{'0' * 32}"
Call = Callable[[httpx2.Client, str, Mapping[str, str]], httpx2.Response]
CALLS: Mapping[str, Call] = {
    "create": lambda client, _, headers: client.post(PATH, json=SMS, headers=headers),
    "PATCH": lambda client, place, headers: client.patch(
        place, json={"isActive": False}, headers=headers
    ),
    "toggle": lambda client, place, headers: client.post(
        f"{place}/toggle", json={"isActive": False}, headers=headers
    ),
    "PUT": lambda client, place, headers: client.put(
        f"{place}/credentials", json={"apiKey": ACCOUNT}, headers=headers
    ),
    "check": lambda client, place, headers: client.post(f"{place}/check", headers=headers),
    "DELETE": lambda client, place, headers: client.delete(place, headers=headers),
}
SPELT = {
    "alone": TOKEN,
    "in a text": f"rotate-{TOKEN}-1",
    "in base64url": urlsafe_b64encode(TOKEN.encode()).decode().rstrip("="),
    "in pieces": "-".join(TOKEN[at : at + 8] for at in range(0, 32, 8)),
}


def everything(client: httpx2.Client, service: Any) -> str:
    """Return all that is shown and logged."""
    texts = [client.get(f"/en/api/{path}").text for path in ("integration", "history-log")]
    return "".join([*texts, client.get("/en/api/audit/export").text, service.log_file.read_text()])


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("text", SPELT.values(), ids=SPELT)
def test_an_idempotency_key_with_a_secret_is_refused(
    client: httpx2.Client, call: Call, text: str
) -> None:
    place = client.post(PATH, json=SMS).headers["Location"]
    events = client.get("/en/api/history-log").json()["result"]["totalCount"]

    refused = call(client, place, {"Idempotency-Key": text})

    assert refused.status_code == 400, refused.text
    (detail,) = refused.json()["result"]["details"]
    assert (detail["field"], detail["code"]) == ("Idempotency-Key", "LOOKS_LIKE_SECRET")
    assert text not in refused.text
    assert client.get("/en/api/history-log").json()["result"]["totalCount"] == events


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("text", SPELT.values(), ids=SPELT)
def test_a_request_id_with_a_secret_is_replaced_everywhere(
    client: httpx2.Client, service: Any, call: Call, text: str
) -> None:
    place = client.post(PATH, json=SMS).headers["Location"]

    answer = call(client, place, {"X-Request-Id": text})

    assert answer.is_success, answer.text
    assert answer.headers["X-Request-Id"] != text
    assert text not in everything(client, service)


STRUCTURES = {
    "the head of a PEM": "-----BEGIN PRIVATE KEY-----",
    "PKCS#8": SPELLINGS["PKCS#8 base64"](OTHER_KEY),
    "JWK": json.dumps({"kty": "EC", "d": SPELLINGS["base64url"](OTHER_KEY)}),
    "the private key of the public one": PRIV,
    "the same, wrapped": f"VAPID_PRIVATE_KEY={PRIV}",
    "the same, in hexadecimal": SPELLINGS["hexadecimal"](KEY),
}


@pytest.mark.parametrize("text", STRUCTURES.values(), ids=STRUCTURES)
def test_an_idempotency_key_that_is_a_private_key_is_refused(
    client: httpx2.Client, text: str
) -> None:
    refused = client.post(PATH, json=PUSH, headers={"Idempotency-Key": text})

    assert refused.status_code == 400, refused.text
    (detail,) = refused.json()["result"]["details"]
    assert (detail["field"], detail["code"]) == ("Idempotency-Key", "LOOKS_LIKE_SECRET")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "text", [SPELLINGS["PEM"](KEY).replace("\n", "") + "." * 256, "%" * 60_000]
)
def test_an_idempotency_key_that_is_too_long_is_not_looked_at(
    client: httpx2.Client, call: Call, text: str
) -> None:
    place = client.post(PATH, json=SMS).headers["Location"]

    refused = call(client, place, {"Idempotency-Key": text})

    assert refused.status_code == 400, refused.text
    assert [each["code"] for each in refused.json()["result"]["details"]] == ["INVALID_HEADER"]


def test_a_request_id_that_is_a_private_key_is_replaced(client: httpx2.Client) -> None:
    ed25519 = "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

    for answer in (
        client.get(PATH, headers={"X-Request-Id": ed25519}),
        client.post(PATH, json=PUSH, headers={"X-Request-Id": PRIV}),
    ):
        assert answer.headers["X-Request-Id"] not in (ed25519, PRIV)


IDS = {
    "UUID": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "32 random bytes": SPELLINGS["base64url"](OTHER_KEY),
    "a hash": SPELLINGS["hexadecimal"](OTHER_KEY),
    "a trace": "4bf92f3577b34da6a3ce929d0e0e4736",
    "the id of an account": ACCOUNT,
    "a part of the secret": TOKEN[:7],
}


@pytest.mark.parametrize("text", IDS.values(), ids=IDS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_any_other_id_is_taken_and_recorded(client: httpx2.Client, call: Call, text: str) -> None:
    place = client.post(PATH, json=SMS | {"apiKey": ACCOUNT}).headers["Location"]
    headers = {"Idempotency-Key": text, "X-Request-Id": text}

    answer = call(client, place, headers)

    assert answer.is_success, answer.text
    assert answer.headers["X-Request-Id"] == text
