"""A VAPID key pair stays a pair if one of its keys is changed."""

from base64 import urlsafe_b64encode
from collections.abc import Generator

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.service import Service

PATH = "/en/api/integration"
Pair = tuple[str, str]


def new_pair() -> Pair:
    """Return a public and a private key as browsers and RFC 8292 write them."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    scalar = key.private_numbers().private_value.to_bytes(32)
    public, private = (urlsafe_b64encode(raw).rstrip(b"=").decode() for raw in (point, scalar))
    return public, private


OURS, OTHERS = new_pair(), new_pair()


@pytest.fixture
def client(service: Service) -> Generator[httpx2.Client]:
    with service.caller("pairs") as client:
        yield client


@pytest.fixture
def place(client: httpx2.Client) -> str:
    """An integration with a pair."""
    body = {"name": "Push", "type": "WEB_PUSH", "channel": "PUSH"}
    keys = {"vapidPublicKey": OURS[0], "vapidPrivateKey": OURS[1]}
    return client.post(PATH, json=body | keys).headers["Location"]


def codes(answer: httpx2.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    assert OTHERS[1] not in answer.text
    return [(found["field"], found["code"]) for found in answer.json()["result"]["details"]]


def test_a_public_key_of_another_pair_is_refused(client: httpx2.Client, place: str) -> None:
    changed = client.patch(place, json={"vapidPublicKey": OTHERS[0]})
    assert codes(changed) == [("vapidPublicKey", "VAPID_MISMATCH")]
    replaced = client.put(f"{place}/credentials", json={"vapidPublicKey": OTHERS[0]})
    assert codes(replaced) == [("vapidPublicKey", "VAPID_MISMATCH")]


def test_a_private_key_of_another_pair_is_refused(client: httpx2.Client, place: str) -> None:
    replaced = client.put(f"{place}/credentials", json={"vapidPrivateKey": OTHERS[1]})
    assert codes(replaced) == [("vapidPrivateKey", "VAPID_MISMATCH")]


def test_a_new_pair_replaces_the_old_one(client: httpx2.Client, place: str) -> None:
    keys = {"vapidPublicKey": OTHERS[0], "vapidPrivateKey": OTHERS[1]}
    assert client.put(f"{place}/credentials", json=keys).status_code == 200
    assert client.get(place).json()["result"]["data"]["vapidPublicKey"] == OTHERS[0]
    changed = client.patch(place, json={"vapidPublicKey": OURS[0]})
    assert codes(changed) == [("vapidPublicKey", "VAPID_MISMATCH")]


def test_without_one_of_the_keys_there_is_nothing_to_compare(
    client: httpx2.Client, place: str
) -> None:
    assert client.patch(place, json={"vapidPublicKey": None}).status_code == 200
    replaced = client.put(f"{place}/credentials", json={"vapidPrivateKey": OTHERS[1]})
    assert replaced.status_code == 200
    assert client.patch(place, json={"vapidPublicKey": OTHERS[0]}).status_code == 200
    assert client.patch(place, json={"vapidPublicKey": "BHn..."}).status_code == 200
